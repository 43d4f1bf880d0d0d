"""The twin's documents and versions, without I/O.

Desired: whole at each delta, applied when its version is not older than what is known. Reported:
whole, each version one higher than any before it; a device that lost its store goes on from the
version that the platform has seen. What is not known is reported under `unknown`, what could not be
applied under `problems` with the reason: neither keeps the rest from being applied.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from edge.protocol.bodies import MOST_DOCUMENT_BYTES, MOST_DOCUMENT_DEPTH
from edge.protocol.envelope import depth_of

KNOWN = ("configuration", "model")
MOST_NAMES = 50


class BadDelta(ValueError):
    """A delta that cannot be taken."""


@dataclass(frozen=True, slots=True)
class Twin:
    """`desired` and `reported` are None before the first of each."""

    desired_version: int = 0
    desired: Mapping[str, Any] | None = None
    reported_version: int = 0
    reported: Mapping[str, Any] | None = None

    def kept(self) -> dict[str, Any]:
        """JSON, for the disk."""
        return {
            "desired_version": self.desired_version,
            "desired": self.desired,
            "reported_version": self.reported_version,
            "reported": self.reported,
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Twin":
        return cls(**kept) if kept else cls()

    def with_delta(self, body: Mapping[str, Any]) -> "Twin | None":
        """None where it is older than what is known. Raises BadDelta."""
        version, desired = body.get("version"), body.get("desired")
        seen = body.get("reported_version", 0)
        if not isinstance(desired, dict):
            raise BadDelta("a delta without a desired document")
        if not _is_version(version) or not _is_version(seen):
            raise BadDelta("a delta without version or reported_version")
        if depth_of(desired) > MOST_DOCUMENT_DEPTH:
            raise BadDelta(f"the desired document is nested more than {MOST_DOCUMENT_DEPTH} deep")
        if self.desired is not None and version < self.desired_version:
            return None
        # What the platform has seen and this device does not remember is of a store that was lost.
        reported = None if seen > self.reported_version else self.reported
        return Twin(version, desired, max(self.reported_version, seen), reported)

    def with_report(self, reported: Mapping[str, Any]) -> "Twin":
        """The next version of it."""
        return Twin(self.desired_version, self.desired, self.reported_version + 1, reported)


def behind(twin: Twin, body: Mapping[str, Any]) -> bool:
    """Whether the platform, by its delta, has not seen the last report."""
    return (
        twin.reported is not None and int(body.get("reported_version", 0)) < twin.reported_version
    )


def unknown(desired: Mapping[str, Any]) -> list[str]:
    """Keys that this agent does not know, shortened."""
    return sorted(str(name)[:100] for name in desired if name not in KNOWN)[:MOST_NAMES]


def report(
    desired_version: int,
    configuration: Mapping[str, Any],
    model: Mapping[str, Any] | None,
    problems: Mapping[str, str],
    unknown_keys: list[str],
) -> dict[str, Any]:
    """The reported document; problems and unknown keys give way where it would be too large."""
    document: dict[str, Any] = {
        "desired_version": desired_version,
        "configuration": _nested(configuration),
        "model": dict(model) if model else None,
        "problems": {key: why[:300] for key, why in list(problems.items())[:MOST_NAMES]},
        "unknown": unknown_keys,
    }
    for spare in ("unknown", "problems"):
        if len(json.dumps(document).encode()) > MOST_DOCUMENT_BYTES:
            document[spare] = f"{len(document[spare])}, too many to be told here"
    return document


def _nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """As it is desired: `{"sync": {"mode": …}}` for `sync.mode`."""
    document: dict[str, Any] = {}
    for name, value in settings.items():
        *groups, last = name.split(".")
        place = document
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return document


def _is_version(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
