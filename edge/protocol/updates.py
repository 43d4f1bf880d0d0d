"""Over-the-air updates: offers, and what a device says of them.

- `update/next` (device, at every connection and when an update of its has ended): `{"counter": 7,
  "release": "<id>" | null}`: the highest counter that it has seen, and what it runs. What it runs
  is taken as its word, and compared with what the platform believes.
- `update/notify` (platform): `{"statement": …}` signed as OFFER, in answer and when an offer is
  new; `{"statement": null}` where there is none. An offer that was withdrawn is answered by none.
- `update/{id}/status` (device): `Report`.

An offer names tenant, device, update, attempt, counter and expiry. The counter rises with every
offer of a device: a device never takes one that is not above what it has seen, except the very
same offer again. Going back to an earlier release is a new offer. Where the bytes come from does
not matter: each target is trusted by TUF (`/devices/tuf/…`), the offer only says which.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from edge.protocol.topics import Address

MOST_TARGETS = 64
MOST_PROBLEM = 2_000
TENANT_FIELD = "x-edgewise-tenant"
"""All TUF metadata of a tenant names it so, by its id, in what is signed."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


class BadUpdate(ValueError):
    """No offer, or no report, that this protocol knows; the text says why."""


class Reported(StrEnum):
    """Stages in this order, then ends (`domain.update_state` says what they mean)."""

    ACCEPTED = "ACCEPTED"
    DOWNLOADING = "DOWNLOADING"
    VERIFIED = "VERIFIED"
    WAITING = "WAITING"
    INSTALLING = "INSTALLING"
    PROBATION = "PROBATION"
    CONFIRMED = "CONFIRMED"
    SKIPPED = "SKIPPED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    LOCAL_ROLLED_BACK = "LOCAL_ROLLED_BACK"
    REVERTED = "REVERTED"


class Problem(StrEnum):
    """Why an update ended badly, by name."""

    WRONG_HASH = "WRONG_HASH"
    WRONG_SIGNATURE = "WRONG_SIGNATURE"
    EXPIRED_METADATA = "EXPIRED_METADATA"
    """Freeze: somebody keeps newer metadata from the device."""
    OLDER_METADATA = "OLDER_METADATA"
    """Rollback."""
    MIX_AND_MATCH = "MIX_AND_MATCH"
    UNKNOWN_TARGET = "UNKNOWN_TARGET"
    WRONG_SIZE = "WRONG_SIZE"
    OFFER_EXPIRED = "OFFER_EXPIRED"
    OLD_COUNTER = "OLD_COUNTER"
    INCOMPATIBLE = "INCOMPATIBLE"
    DISK_FULL = "DISK_FULL"
    UNREACHABLE = "UNREACHABLE"
    LOAD_FAILED = "LOAD_FAILED"
    GOLDEN_MISMATCH = "GOLDEN_MISMATCH"
    CRASHED = "CRASHED"
    INTERRUPTED = "INTERRUPTED"
    BETRAYED = "BETRAYED"
    """The device runs something else than it said: the platform says so, not the device."""
    INTERNAL = "INTERNAL"


class Action(StrEnum):
    """INSTALL the release. REVERT to it: what is still in the other slot is switched to, else
    installed; without a release what is installed is taken away."""

    INSTALL = "INSTALL"
    REVERT = "REVERT"


@dataclass(frozen=True, slots=True)
class OfferedDelta:
    """A shorter way to a file: a bsdiff4 patch of `bytes`, from the file that has `from_sha256`."""

    target: str
    sha256: str
    bytes: int
    from_sha256: str


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """`target` is its path in the TUF repository; `path` where it goes in the slot."""

    component: str
    path: str
    target: str
    sha256: str
    bytes: int
    delta: OfferedDelta | None = None

    def document(self) -> dict[str, Any]:
        """JSON; without `delta` where there is none."""
        return {name: one for name, one in asdict(self).items() if one is not None}


@dataclass(frozen=True, slots=True)
class OfferedComponent:
    """`kind` as in `domain.release.ComponentKind`."""

    kind: str
    name: str
    format: str | None = None
    configuration: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """Times are the platform's, in seconds since 1970. `golden` is the target of the golden file,
    which is also among `files` (component ""). `not_before` and `window` keep the installation, not
    the download, to a maintenance window: minutes of the device's local day."""

    address: Address
    update: UUID
    rollout: UUID
    attempt: int
    counter: int
    action: Action
    release: str | None
    components: tuple[OfferedComponent, ...]
    files: tuple[OfferedFile, ...]
    min_cosine: float
    issued_at: float
    expires_at: float
    probation_seconds: float = 60.0
    bandwidth: int | None = None
    window: tuple[int, int] | None = None
    requires: Mapping[str, Any] | None = None

    def statement(self) -> dict[str, Any]:
        return {
            "tenant": str(self.address.tenant),
            "device": str(self.address.device),
            "update": str(self.update),
            "rollout": str(self.rollout),
            "attempt": self.attempt,
            "counter": self.counter,
            "action": str(self.action),
            "release": self.release,
            "components": [asdict(one) for one in self.components],
            "files": [one.document() for one in self.files],
            "min_cosine": self.min_cosine,
            "issued_at": self.issued_at,
            "expires_at": self.expires_at,
            "probation_seconds": self.probation_seconds,
            "bandwidth": self.bandwidth,
            "window": list(self.window) if self.window else None,
            "requires": dict(self.requires) if self.requires else None,
        }

    @classmethod
    def of(cls, statement: Mapping[str, Any]) -> "Offer":
        """Raises BadUpdate."""
        try:
            window, release = statement.get("window"), statement["release"]
            if len(statement["files"]) > MOST_TARGETS:
                raise BadUpdate(f"more than {MOST_TARGETS} files")
            if release is not None and not _SHA256.fullmatch(release):
                raise BadUpdate("the release is no sha256")
            return cls(
                address=Address(UUID(statement["tenant"]), UUID(statement["device"])),
                update=UUID(statement["update"]),
                rollout=UUID(statement["rollout"]),
                attempt=_whole(statement["attempt"]),
                counter=_whole(statement["counter"]),
                action=Action(statement["action"]),
                release=release,
                components=tuple(
                    OfferedComponent(
                        str(one["kind"]),
                        _path(one["name"]),
                        one.get("format"),
                        one.get("configuration"),
                    )
                    for one in statement["components"]
                ),
                files=tuple(_file(one) for one in statement["files"]),
                min_cosine=float(statement["min_cosine"]),
                issued_at=float(statement["issued_at"]),
                expires_at=float(statement["expires_at"]),
                probation_seconds=float(statement["probation_seconds"]),
                bandwidth=_whole(statement.get("bandwidth") or 0) or None,
                window=(int(window[0]), int(window[1])) if window else None,
                requires=dict(statement.get("requires") or {}) or None,
            )
        except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            raise BadUpdate(f"no offer that this protocol knows: {error}") from None

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.files)


@dataclass(frozen=True, slots=True)
class Report:
    """`state` of the attempt; `release` is what the device runs at that moment. `detail` is for
    people. `findings` are measured: golden samples that agree, milliseconds, bytes fetched."""

    attempt: int
    counter: int
    state: Reported
    release: str | None
    problem: Problem | None = None
    detail: str | None = None
    retryable: bool = False
    findings: Mapping[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        return {
            "attempt": self.attempt,
            "counter": self.counter,
            "state": str(self.state),
            "release": self.release,
            "problem": str(self.problem) if self.problem else None,
            "detail": self.detail,
            "retryable": self.retryable,
            "findings": dict(self.findings) if self.findings else None,
        }

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Report":
        """Raises BadUpdate."""
        try:
            problem, detail, release = body.get("problem"), body.get("detail"), body.get("release")
            findings = body.get("findings")
            return cls(
                _whole(body["attempt"]),
                _whole(body["counter"]),
                Reported(body["state"]),
                str(release)[:64] if release is not None else None,
                Problem(problem) if problem is not None else None,
                str(detail)[:MOST_PROBLEM] if detail is not None else None,
                body.get("retryable") is True,
                dict(findings) if isinstance(findings, Mapping) else None,
            )
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise BadUpdate(f"no report that this protocol knows: {error}") from None


def _file(one: Mapping[str, Any]) -> OfferedFile:
    component = _path(one["component"]) if one["component"] else ""
    delta = one.get("delta")
    return OfferedFile(
        component,
        _path(one["path"]),
        _path(one["target"]),
        _hash(one["sha256"]),
        _whole(one["bytes"]),
        OfferedDelta(
            _path(delta["target"]),
            _hash(delta["sha256"]),
            _whole(delta["bytes"]),
            _hash(delta["from_sha256"]),
        )
        if delta
        else None,
    )


def _hash(given: str) -> str:
    if not _SHA256.fullmatch(given):
        raise BadUpdate("a file has no sha256")
    return given


def _path(given: str) -> str:
    """One that stays in its folder."""
    if len(given) > 300 or not _PATH.fullmatch(given):
        raise BadUpdate("a path that does not stay in its folder")
    return given


def _whole(given: Any) -> int:
    if type(given) is not int or not 0 <= given < 2**53:
        raise BadUpdate("not a whole number")
    return given


def target_path(sha256: str) -> str:
    """The path of a file in the TUF repository: by its content."""
    return f"sha256/{sha256}"
