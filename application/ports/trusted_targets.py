"""What devices may install: each tenant's repository by TUF (https://theupdateframework.io).

A target is a file by its content. Once published it is in signed metadata, which a device checks
against the root that it was given when it joined, however the bytes reach it.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from edge.protocol.updates import target_path

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Target:
    """`path` is `edge.protocol.updates.target_path` of the sha256 (lower case, hexadecimal).
    Raises ValueError for another path or what is no sha256."""

    path: str
    sha256: str
    bytes: int

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256) or self.path != target_path(self.sha256):
            raise ValueError(f"a target {self.path} is not named by its content {self.sha256}")
        if self.bytes < 0:
            raise ValueError(f"the target {self.path} has {self.bytes} bytes")

    @classmethod
    def of(cls, sha256: str, bytes: int) -> "Target":
        return cls(target_path(sha256), sha256, bytes)


class TrustRole(StrEnum):
    """TUF's top-level roles."""

    ROOT = "root"
    TARGETS = "targets"
    SNAPSHOT = "snapshot"
    TIMESTAMP = "timestamp"


class TrustedTargets(Protocol):
    """A tenant's repository is made when it is first asked for. All methods may raise
    Refusal(UNAVAILABLE) where the keys that sign cannot be had; the message says why."""

    def publish(self, tenant_id: UUID, targets: Sequence[Target]) -> None:
        """Durable and signed when it returns; what is published already changes nothing.

        Raises Refusal(INVALID_STATE) for a target that is published with another size, and
        Refusal(TOO_LARGE) where the repository would hold more than MOST_TARGETS."""
        ...

    def published(self, tenant_id: UUID, sha256: str) -> Target | None: ...

    def root(self, tenant_id: UUID) -> bytes:
        """The newest root's metadata (JSON): what a device that joins begins with."""
        ...

    def metadata(self, tenant_id: UUID, role: TrustRole, version: int | None) -> bytes | None:
        """The metadata (JSON) of this version, by default the newest; None where there is none.
        Those that were replaced are kept for as long as a device may still read them, roots for
        ever."""
        ...


MOST_TARGETS = 5_000
"""Of a tenant: their metadata is then 0.9 MB, which each device reads as a whole in 10 MB."""


@dataclass(frozen=True, slots=True)
class SignedRole:
    """The newest metadata of a role; `key_ids` are of those who may sign it."""

    role: TrustRole
    version: int
    expires_at: datetime
    key_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrustState:
    """A repository as its operator sees it. `keys` tells where each key is, by its id."""

    tenant_id: UUID
    targets: int
    roles: tuple[SignedRole, ...]
    keys: dict[str, str]


class TrustUpkeep(Protocol):
    """What the operator does with repositories."""

    def tenants(self) -> Sequence[UUID]:
        """Those that have a repository."""
        ...

    def state(self, tenant_id: UUID) -> TrustState:
        """Of a repository that is there."""
        ...

    def withdraw(
        self, tenant_id: UUID, sha256s: Collection[str] = (), before: datetime | None = None
    ) -> int:
        """Takes targets back: these, and those published before; how many there were. A device
        that has not installed them yet refuses them from then on, and what is published again is
        a target again."""
        ...

    def rotate(self, tenant_id: UUID, root: bool, uri: str | None = None) -> TrustState:
        """A new key for the root role, or else for the three others; the root that names it is
        signed by old and new, and everything by the keys that it names. `uri` says where the new
        key is (docs/trust.md); by default it is made, in a file. Raises
        Refusal(UNAVAILABLE or INVALID)."""
        ...
