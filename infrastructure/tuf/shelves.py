"""Where the metadata of repositories is kept: what a tenant's shelf can do, and one in memory."""

import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.ports.trusted_targets import Target, TrustRole

MOST_VERSIONS = 100
"""Of each role but the root's, in memory."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Metadata as it is served. It is signed anew from `renew_at` on."""

    role: TrustRole
    version: int
    content: bytes
    expires_at: datetime
    renew_at: datetime


class Shelf(Protocol):
    """One tenant's, held by one writer alone. What is put there is seen by others when the writer
    is done, all of it or nothing."""

    def newest(self, role: TrustRole) -> bytes | None: ...

    def put(self, stored: Stored) -> None:
        """A version that is above all others of its role."""
        ...

    def enlist(self, targets: Iterable[Target], now: datetime) -> list[Target]:
        """Those that were not there before, by their sha256; each once."""
        ...

    def strike(self, sha256s: Collection[str], before: datetime | None) -> list[str]:
        """Takes these off the list, and those that came before; the sha256 of all."""
        ...

    def targets(self, sha256s: Collection[str]) -> dict[str, Target]:
        """Those of them that are there, by their sha256."""
        ...

    def count(self) -> int:
        """How many targets there are."""
        ...


class Shelves(Protocol):
    """Of all tenants."""

    def writing(self, tenant_id: UUID) -> AbstractContextManager[Shelf]:
        """Waits until no other writer holds it. Nothing is kept where the block raises."""
        ...

    def metadata(self, tenant_id: UUID, role: TrustRole, version: int | None) -> bytes | None: ...

    def targets(self, tenant_id: UUID, sha256s: Collection[str]) -> dict[str, Target]:
        """As the shelf has them, without waiting for its writer."""
        ...

    def due(self, now: datetime, roles: Collection[TrustRole], most: int) -> Sequence[UUID]:
        """Tenants with metadata of these roles to be signed anew; any of them, where there are
        more."""
        ...

    def tenants(self) -> Sequence[UUID]: ...


@dataclass
class _MemoryShelf:
    """Implements Shelf."""

    versions: dict[TrustRole, dict[int, Stored]] = field(default_factory=dict)
    listed: dict[str, Target] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)

    def copy(self) -> "_MemoryShelf":
        versions = {role: dict(kept) for role, kept in self.versions.items()}
        return _MemoryShelf(versions, dict(self.listed), dict(self.since))

    def newest(self, role: TrustRole) -> bytes | None:
        found = self.newest_stored(role)
        return found.content if found else None

    def newest_stored(self, role: TrustRole) -> Stored | None:
        versions = self.versions.get(role)
        return versions[max(versions)] if versions else None

    def put(self, stored: Stored) -> None:
        versions = self.versions.setdefault(stored.role, {})
        versions[stored.version] = stored
        if stored.role is not TrustRole.ROOT:
            versions.pop(stored.version - MOST_VERSIONS, None)

    def strike(self, sha256s: Collection[str], before: datetime | None) -> list[str]:
        gone = [
            one
            for one, since in self.since.items()
            if one in sha256s or (before is not None and since < before)
        ]
        for one in gone:
            del self.listed[one], self.since[one]
        return gone

    def enlist(self, targets: Iterable[Target], now: datetime) -> list[Target]:
        new = {one.sha256: one for one in targets if one.sha256 not in self.listed}
        self.listed.update(new)
        self.since.update(dict.fromkeys(new, now))
        return list(new.values())

    def targets(self, sha256s: Collection[str]) -> dict[str, Target]:
        return {one: self.listed[one] for one in sha256s if one in self.listed}

    def count(self) -> int:
        return len(self.listed)


class MemoryShelves:
    """Implements Shelves, for as long as the process lives."""

    def __init__(self) -> None:
        self._shelves: dict[UUID, _MemoryShelf] = defaultdict(_MemoryShelf)
        self._locks: dict[UUID, threading.Lock] = defaultdict(threading.Lock)

    @contextmanager
    def writing(self, tenant_id: UUID) -> Iterator[Shelf]:
        with self._locks[tenant_id]:
            draft = self._shelves[tenant_id].copy()
            yield draft
            self._shelves[tenant_id] = draft

    def metadata(self, tenant_id: UUID, role: TrustRole, version: int | None) -> bytes | None:
        shelf = self._shelves[tenant_id]
        if version is None:
            return shelf.newest(role)
        found = shelf.versions.get(role, {}).get(version)
        return found.content if found else None

    def targets(self, tenant_id: UUID, sha256s: Collection[str]) -> dict[str, Target]:
        return self._shelves[tenant_id].targets(sha256s)

    def due(self, now: datetime, roles: Collection[TrustRole], most: int) -> Sequence[UUID]:
        found = []
        for tenant_id, shelf in list(self._shelves.items()):
            newest = [shelf.newest_stored(role) for role in roles]
            if any(one and one.renew_at <= now for one in newest):
                found.append(tenant_id)
        return found[:most]

    def tenants(self) -> Sequence[UUID]:
        return [id for id, shelf in list(self._shelves.items()) if shelf.versions]
