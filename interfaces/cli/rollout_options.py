"""Whom a rollout is for and how it goes: as options, and as the API takes it."""

import math
import re
from enum import StrEnum
from typing import Annotated, Any

import typer

from interfaces.cli import find
from interfaces.cli.client import Client
from interfaces.cli.connection import find_server
from interfaces.cli.moment import seconds_of
from interfaces.cli.queries import rollout as queries
from interfaces.cli.refused import CommandRefused


class Rule(StrEnum):
    """The stop rule."""

    E_PROCESS = "e-process"
    PERCENTAGE = "percentage"


class OnStop(StrEnum):
    REVERT = "revert"
    PAUSE = "pause"


MOST_COMPLETED = 100


def names(incomplete: str) -> list[str]:
    """For the shell's completion; nothing where there is no server to ask."""
    try:
        with Client(find_server(None, None)) as client:
            found = client.run(queries.NAMES, first=MOST_COMPLETED)["rollouts"]["nodes"]
    except CommandRefused:
        return []
    held = dict.fromkeys(one["name"] for one in found)
    return [name for name in held if name.casefold().startswith(incomplete.casefold())]


RolloutArgument = Annotated[
    str,
    typer.Argument(
        help="The rollout's id, or its beginning, or its name.",
        show_default=False,
        autocompletion=names,
    ),
]
DevicesOption = Annotated[
    list[str] | None, typer.Option("--device", help="A device's name or id; may be repeated.")
]
SavedOption = Annotated[
    str | None, typer.Option("--group", help="A device group that was defined.")
]
DynamicOption = Annotated[
    bool, typer.Option("--dynamic", help="Add devices that come to be meant later.")
]
WavesOption = Annotated[
    str,
    typer.Option(
        metavar="LIST", help="Shares or counts: 20%,100% or 1,10,100%. The last takes the rest."
    ),
]
RuleOption = Annotated[
    Rule,
    typer.Option(help="What stops it: an anytime-valid test, or the plain share of failures."),
]
HealthyOption = Annotated[
    float, typer.Option("--healthy-rate", help="e-process: failures that are still healthy.")
]
AlphaOption = Annotated[
    float, typer.Option("--alpha", help="e-process: how often a healthy rollout may be stopped.")
]
MaxRateOption = Annotated[
    float, typer.Option("--max-rate", help="percentage: stop above this share of failures.")
]
MinCountOption = Annotated[
    int, typer.Option("--min-count", help="percentage: not before so many outcomes.")
]
GateOption = Annotated[
    list[str] | None,
    typer.Option(
        "--gate",
        metavar="METRIC[=RATIO]",
        help="latency=1.25, error-rate, crash-rate, memory: new against old devices.",
    ),
]
WindowOption = Annotated[
    str | None,
    typer.Option(
        metavar="FROM-TO[@DAYS]",
        help="Installed only then, by the device's clock: 22:00-04:00, or 01:00-05:00@67 at the "
        "weekend (1 is Monday).",
    ),
]
_WINDOW = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})(?:@([1-7]+))?")


def rule_input(
    rule: Rule, healthy_rate: float, alpha: float, max_rate: float, min_count: int
) -> dict[str, Any]:
    return {
        "kind": rule.name,
        "healthyRate": healthy_rate,
        "alpha": alpha,
        "maxRate": max_rate,
        "minCount": min_count,
    }


def waves_input(given: str) -> list[dict[str, Any]]:
    """Refuses INVALID for what is neither a share nor a count."""
    return [_wave(one.strip()) for one in given.split(",")]


def gates_input(given: list[str] | None) -> list[dict[str, Any]]:
    return [_gate(one) for one in given or ()]


def window_input(given: str | None) -> dict[str, Any] | None:
    """Minutes of the day. Refuses INVALID."""
    if given is None:
        return None
    found = _WINDOW.fullmatch(given.strip())
    if found is None:
        raise CommandRefused(
            "INVALID", f"“{given}” is no window. Give one such as 22:00-04:00.", "window"
        )
    window = {
        "fromMinute": 60 * int(found[1]) + int(found[2]),
        "toMinute": 60 * int(found[3]) + int(found[4]),
    }
    return {**window, "days": sorted(map(int, set(found[5])))} if found[5] else window


def target_input(
    client: Client,
    devices: list[str] | None,
    group: str | None,
    query: dict[str, Any],
    *,
    dynamic: bool,
) -> dict[str, Any]:
    """Exactly one of devices, a group and a query; the server says so where it is not."""
    target: dict[str, Any] = {"dynamic": dynamic}
    if devices:
        target["deviceIds"] = [find.device(client, one)["id"] for one in devices]
    if group:
        target["deviceGroupId"] = find.device_group(client, group)["id"]
    if query or not (devices or group):
        target["query"] = query
    return target


def seconds(given: str, field: str) -> int:
    """`0` too, which is no length of time elsewhere."""
    return 0 if given == "0" else seconds_of(given, field)


def _wave(one: str) -> dict[str, Any]:
    try:
        if one.endswith("%"):
            return {"share": _finite(one.removesuffix("%")) / 100}
        return {"count": int(one)}
    except ValueError:
        raise CommandRefused(
            "INVALID", f"“{one}” is neither a share such as 20% nor a count.", "waves"
        ) from None


def _finite(given: str) -> float:
    """Raises ValueError."""
    number = float(given)
    if not math.isfinite(number):
        raise ValueError(given)
    return number


def _gate(one: str) -> dict[str, Any]:
    metric, _, ratio = one.partition("=")
    try:
        known = {"metric": metric.upper().replace("-", "_")}
        return {**known, "maxRatio": _finite(ratio)} if ratio else known
    except ValueError:
        raise CommandRefused(
            "INVALID", f"“{ratio}” is no ratio. Give one such as latency=1.25.", "gate"
        ) from None
