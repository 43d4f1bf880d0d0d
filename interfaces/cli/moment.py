"""Moments of the past as people give them: a position, a time, or how long ago.

`1234` is a position; `2026-03-01`, `2026-03-01T12:00` a time, in this machine's zone unless it
says another; `10m ago`, `2 h`, `3d ago` and `yesterday` are relative to now.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from interfaces.cli.refused import CommandRefused

AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="MOMENT", help="A position, a time, or such as “10m ago”; else now."
    ),
]
_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)(?:\s+ago)?")
LONGEST_LENGTH = 12
_UNITS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
    "w": 604800,
    "week": 604800,
}


def as_of_or_now(given: str | None) -> dict[str, Any] | None:
    """The `Moment` of `--as-of`; None where it was not given."""
    return None if given is None else moment(given)


def time_of(given: str, field: str) -> datetime:
    """A moment that is a time. Refuses INVALID."""
    found = moment(given, field)
    if "time" not in found:
        raise CommandRefused("INVALID", "Give a time, as 2026-01-31 or “90d ago”.", field)
    return datetime.fromisoformat(found["time"])


def moment(given: str, field: str = "as-of", now: datetime | None = None) -> dict[str, Any]:
    """The `Moment` of the API. Refuses INVALID."""
    given = given.strip()
    if given.isdecimal():
        return {"position": int(given)}
    now = now or datetime.now(UTC)
    found = _relative(given.lower(), now) or _absolute(given)
    if found is None:
        raise CommandRefused(
            "INVALID",
            f"“{given}” is no moment. Give a position (1234), a time (2026-03-01T12:00) or how "
            "long ago (10m ago).",
            field,
        )
    return {"time": found.isoformat()}


def _relative(given: str, now: datetime) -> datetime | None:
    if given in ("now", "yesterday"):
        return now - timedelta(days=given == "yesterday")
    match = _AGO.fullmatch(given)
    if match is None:
        return None
    unit = _UNITS.get(match[2]) or _UNITS.get(match[2].removesuffix("s"))
    try:
        return None if unit is None else now - timedelta(seconds=float(match[1]) * unit)
    except OverflowError:
        return None


def _absolute(given: str) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(given)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.astimezone()


def seconds_of(given: str, field: str) -> int:
    """How long: `90`, `90s`, `10m`, `1d`, in seconds. Refuses INVALID."""
    text = given.strip().lower()
    match = _AGO.fullmatch(f"{text}s" if text.isdecimal() else text)
    unit = match and (_UNITS.get(match[2]) or _UNITS.get(match[2].removesuffix("s")))
    if match is None or not unit or len(text) > LONGEST_LENGTH:
        raise CommandRefused(
            "INVALID", f"“{given}” is no length of time. Give one such as 90s, 10m or 1d.", field
        )
    return round(float(match[1]) * unit)
