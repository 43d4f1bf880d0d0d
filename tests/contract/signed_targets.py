"""Repositories of targets, a clock that the test moves, and what is read of them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tuf.api.metadata import Metadata, Root

from application.ports.trusted_targets import Target, TrustRole
from infrastructure.tuf.repositories import Repositories

LIFETIMES = {"root": 365, "targets": 90, "snapshot": 7, "timestamp": 1}
"""In days."""


@dataclass
class Trusted:
    """The repositories, a clock that the test moves, and as many writers as it wants."""

    make: Callable[[Callable[[], datetime]], Repositories]
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.repositories = self.another()

    def another(self) -> Repositories:
        """As another process has them."""
        return self.make(lambda: self.now)

    def signed(self, tenant: UUID, role: str, version: int | None = None) -> Any:
        """What is signed in this metadata."""
        content = self.repositories.metadata(tenant, TrustRole(role), version)
        return None if content is None else json.loads(content)["signed"]

    def versions(self, tenant: UUID) -> dict[str, int]:
        return {role: self.signed(tenant, role)["version"] for role in LIFETIMES}

    def is_whole(self, tenant: UUID) -> bool:
        """Each metadata names the next, which is there, and is signed by those who may."""
        root = Metadata[Root].from_bytes(self.repositories.root(tenant))
        root.verify_delegate("root", root)
        timestamp = self._verified(root, tenant, "timestamp", None)
        named = timestamp["meta"]["snapshot.json"]
        snapshot = self._verified(root, tenant, "snapshot", named)
        self._verified(root, tenant, "targets", snapshot["meta"]["targets.json"])
        return True

    def _verified(self, root: Metadata[Root], tenant: UUID, role: str, named: Any) -> Any:
        version = named["version"] if named else None
        content = self.repositories.metadata(tenant, TrustRole(role), version)
        assert content is not None
        if named:
            assert named["hashes"] == {"sha256": hashlib.sha256(content).hexdigest()}
            assert named["length"] == len(content)
        root.verify_delegate(role, Metadata[Any].from_bytes(content))
        return json.loads(content)["signed"]


def target(content: str) -> Target:
    return Target.of(hashlib.sha256(content.encode()).hexdigest(), len(content))
