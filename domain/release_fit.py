"""Whether a release is made for a device, as far as the platform knows the device. The device
judges again when it is offered the release: it knows itself better."""

import re
from collections.abc import Mapping
from typing import Any

from domain.device_description import checked_labels
from domain.device_profile import Architecture
from domain.refusal import invalid
from domain.release import Compatibility

_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){0,3}")
_ALSO = {"AMD64": "X86_64", "ARM64": "AARCH64", "ARMV7L": "ARMV7"}


def checked_compatibility(asked: Compatibility) -> Compatibility:
    """Raises Refusal naming the field."""
    for machine in asked.architectures:
        if machine not in list(Architecture):
            known = ", ".join(Architecture)
            raise invalid("compatibility.architectures", f"Name some of {known}.")
    if asked.min_agent is not None and not _VERSION.fullmatch(asked.min_agent):
        raise invalid("compatibility.minAgent", "Give a version such as 0.2.0.")
    checked_labels(asked.labels, "compatibility.labels")
    return asked


def misfit(
    asked: Compatibility, facts: Mapping[str, Any], agent: str | None, labels: Mapping[str, str]
) -> str | None:
    """Why it is not for this device, in words; None where nothing speaks against it."""
    machine = str(facts.get("machine") or "").upper()
    machine = _ALSO.get(machine, machine)
    if asked.architectures and machine and machine not in asked.architectures:
        return f"it is {machine}, and the release is for {' and '.join(asked.architectures)}"
    if asked.min_agent is not None and agent and _numbers(agent) < _numbers(asked.min_agent):
        return f"its agent is {agent}, and the release needs {asked.min_agent}"
    for name, value in asked.labels.items():
        if labels.get(name) != value:
            return f"its label {name} is {labels.get(name, 'missing')}, not {value}"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    found = _VERSION.match(version)
    parts = [int(part) for part in found[0].split(".")] if found else []
    return tuple((parts + [0] * 4)[:4])
