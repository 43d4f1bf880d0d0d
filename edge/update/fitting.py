"""Whether a release fits this device, and whether it may be installed now. No I/O: what the device
is is given.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from edge.config.settings import checked, flat
from edge.inference.runtimes import EXTRAS
from edge.inference.wish import SUFFIX
from edge.protocol.updates import Action, Offer, OfferedComponent, OfferedFile

_ALIASES = {"litert": "ai_edge_litert", "tflite": "ai_edge_litert", "onnx": "onnxruntime"}
MINUTES_A_DAY = 24 * 60


def misfit(offer: Offer, facts: Mapping[str, Any], firmware_installer: str) -> str | None:
    """Why it cannot be installed here; None where it can. `facts` as at birth."""
    requires = offer.requires or {}
    wanted = [str(one).upper() for one in requires.get("architectures") or ()]
    if wanted and (here := facts["architecture"]) not in wanted:
        return f"it is for {', '.join(wanted)}, and this is {here}"
    least = requires.get("min_agent")
    if least and _version(str(facts["agent"])) < _version(str(least)):
        return f"it wants an agent of {least} or newer, and this is {facts['agent']}"
    for name in requires.get("runtimes") or ():
        if not facts["runtimes"].get(package := _package(str(name))):
            return f"it wants {package}, which is not installed on this device"
    if offer.action is Action.INSTALL and offer.release is None:
        return "it names no release"
    if len({(one.component, one.path) for one in offer.files}) < len(offer.files):
        return "two of its files go to one place"
    found = (_misfit(one, offer, facts, firmware_installer) for one in offer.components)
    return next((why for why in found if why), None)


def model_of(
    components: tuple[OfferedComponent, ...], files: tuple[OfferedFile, ...]
) -> tuple[OfferedComponent, OfferedFile] | None:
    """The model, and the file of it that is loaded."""
    for one in components:
        if one.kind == "MODEL":
            own = [file for file in files if file.component == one.name]
            suffix = SUFFIX.get(str(one.format), "")
            named = [file for file in own if suffix and file.path.endswith(suffix)]
            return (one, (named or own)[0]) if own else None
    return None


def _misfit(
    one: OfferedComponent, offer: Offer, facts: Mapping[str, Any], firmware_installer: str
) -> str | None:
    match one.kind:
        case "MODEL":
            if one.format not in EXTRAS:
                return f"{str(one.format)[:20]} models cannot be run here"
            package, extra = EXTRAS[one.format]
            if not facts["runtimes"].get(package):
                return f"{one.format} models need {package}: install edgewise-edge[{extra}]"
            if model_of(offer.components, offer.files) is None:
                return f"the model {one.name} has no file"
        case "FIRMWARE":
            if not firmware_installer:
                return "no installer is set: update.firmware_installer in edge.toml"
        case "CONFIGURATION":
            _, bad = checked(flat(one.configuration or {}), remote=True)
            if bad:
                return "; ".join(f"{name} {why}" for name, why in bad.items())[:1_000]
        case "FILES":
            pass
        case _:
            return f"this agent does not know what {one.kind[:40]} is"
    return None


def window_wait(window: tuple[int, int] | None, now: float, utc_offset_minutes: int) -> float:
    """Seconds until the window is open; 0 where it is, or there is none. `now` is in seconds since
    1970. A window that ends before it begins goes over midnight; one of no length is the whole
    day."""
    if window is None or window[0] == window[1]:
        return 0.0
    moment = datetime.fromtimestamp(now + utc_offset_minutes * 60, UTC)
    minute = moment.hour * 60 + moment.minute + moment.second / 60
    begin, end = window
    inside = begin <= minute < end if begin < end else minute >= begin or minute < end
    return 0.0 if inside else (begin - minute) % MINUTES_A_DAY * 60


def _package(name: str) -> str:
    plain = name.lower().replace("-", "_")
    return _ALIASES.get(plain, plain)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
