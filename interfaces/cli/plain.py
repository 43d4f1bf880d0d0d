"""What a person reads: sizes, times, shapes, and strings that cannot hurt a terminal.

Every string that came from a server goes through `plain` before it is printed: a name with an
escape sequence or a right-to-left mark shows as what it is.
"""

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

_KEPT = {"\n", "\t"}
_FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_SHARES = ("ACCURACY", "MAP", "MAP50", "CER", "WER", "EXACT_MATCH")
_EVIDENCE = {
    "MEASURED": "measured",
    "EMULATED": "emulated, not on its hardware",
    "ESTIMATED": "estimated, not measured",
    "BUILT": "built, never run",
}


def plain(value: object, *, one_line: bool = True) -> str:
    """The text with every invisible character as `\\xNN` or `\\uNNNN`."""
    kept = set() if one_line else _KEPT
    return "".join(
        character
        if character in kept or unicodedata.category(character) not in _FORBIDDEN
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in str(value)
    )


def size(count: int | float | None) -> str:
    """Bytes, as disks and plans count them: 1 kB is 1,000 bytes."""
    if count is None:
        return "–"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def milliseconds(value: float | None) -> str:
    if value is None:
        return "–"
    if value < 1:
        return f"{value * 1000:.0f} µs"
    return f"{value:.2f} ms" if value < 1000 else f"{value / 1000:.2f} s"


def seconds(value: float) -> str:
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.2f} %"


def figure(value: float | None, measure: str = "ACCURACY") -> str:
    """A task's figure: a share in percent, else the number."""
    return percent(value) if value is None or measure in _SHARES else f"{value:.4g}"


def count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def evidence(label: str | None) -> str:
    return _EVIDENCE.get(label or "", plain((label or "–").lower()))


def when(moment: str | None) -> str:
    """A time in the zone of this machine, to the second."""
    if not moment:
        return "–"
    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        return plain(moment)
    return f"{parsed.astimezone():%Y-%m-%d %H:%M:%S}"


def between(start: str | None, end: str | None) -> str:
    """How long it took, or has taken by now."""
    if not start:
        return "–"
    finish = datetime.fromisoformat(end) if end else datetime.now(UTC)
    return seconds(max(0.0, (finish - datetime.fromisoformat(start)).total_seconds()))


def shape(tensor: dict[str, Any]) -> str:
    """`image float32 [N, 1, 8, 8]`."""
    dimensions = ", ".join(plain(dimension) for dimension in tensor["shape"])
    return f"{plain(tensor['name'])} {plain(tensor['dtype'])} [{dimensions}]"


def in_json(value: Any, *, indent: int | None = None) -> str:
    """JSON in ASCII: what a terminal is shown cannot steer it."""
    return json.dumps(value, indent=indent, ensure_ascii=True)
