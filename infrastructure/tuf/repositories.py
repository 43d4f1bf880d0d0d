"""The repositories of all tenants, over shelves and keys, wherever those are."""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from application.platform import utc_now
from application.ports.trusted_targets import MOST_TARGETS, Target, TrustRole, TrustState
from domain.refusal import Refusal, RefusalCode
from infrastructure.tuf.keys import KeyStore, KeyUse, MemoryKeys
from infrastructure.tuf.repository import ONLINE, TenantRepository
from infrastructure.tuf.shelves import MemoryShelves, Shelf, Shelves

MOST_AT_ONCE = 100

log = logging.getLogger(__name__)


class Repositories:
    """Implements `application.ports.trusted_targets`, both of its ports."""

    def __init__(
        self, shelves: Shelves, keys: KeyStore, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._shelves, self._keys, self._now = shelves, keys, now
        self._complained = datetime.min.replace(tzinfo=UTC)

    def publish(self, tenant_id: UUID, targets: Sequence[Target]) -> None:
        asked = [one.sha256 for one in targets]
        known = self._shelves.targets(tenant_id, asked)
        wanted = [one for one in targets if known.get(one.sha256) != one]
        if not wanted:
            return
        with self._writing(tenant_id) as (shelf, repository):
            new = shelf.enlist(wanted, self._now())
            known = shelf.targets(asked)
            for one in wanted:
                _same(known[one.sha256], one)
            if (count := shelf.count()) > MOST_TARGETS:
                raise Refusal(
                    RefusalCode.TOO_LARGE,
                    f"With these {len(new):,} files the tenant would have {count:,} signed ones; "
                    f"{MOST_TARGETS:,} is the most that a device is asked to read. The operator "
                    "takes old ones back: `edgewise trust withdraw --before DATE`.",
                )
            if new:
                repository.publish(new)

    def published(self, tenant_id: UUID, sha256: str) -> Target | None:
        return self._shelves.targets(tenant_id, [sha256]).get(sha256)

    def root(self, tenant_id: UUID) -> bytes:
        found = self._shelves.metadata(tenant_id, TrustRole.ROOT, None)
        if found is None:
            with self._writing(tenant_id) as (shelf, _):
                found = shelf.newest(TrustRole.ROOT)
        assert found is not None
        return found

    def metadata(self, tenant_id: UUID, role: TrustRole, version: int | None) -> bytes | None:
        return self._shelves.metadata(tenant_id, role, version)

    def tenants(self) -> Sequence[UUID]:
        return self._shelves.tenants()

    def state(self, tenant_id: UUID) -> TrustState:
        with self._writing(tenant_id) as (_, repository):
            return repository.state()

    def renew(self) -> int:
        """A key of a root that is not at hand keeps only that root from being signed anew."""
        done = 0
        for roles, renew in (
            (ONLINE, TenantRepository.renew),
            ((TrustRole.ROOT,), TenantRepository.renew_root),
        ):
            for tenant_id in self._shelves.due(self._now(), roles, MOST_AT_ONCE):
                try:
                    with self._writing(tenant_id) as (_, repository):
                        renew(repository)
                    done += 1
                except Refusal as refusal:
                    self._complain(tenant_id, refusal)
        return done

    def rotate(self, tenant_id: UUID, root: bool, uri: str | None = None) -> TrustState:
        use = KeyUse.ROOT if root else KeyUse.ONLINE
        with self._writing(tenant_id) as (_, repository):
            repository.rotate(use, uri)
            state = repository.state()
        log.info("keys of targets rotated", extra=_facts(state, use))
        return state

    def withdraw(
        self, tenant_id: UUID, sha256s: Collection[str] = (), before: datetime | None = None
    ) -> int:
        with self._writing(tenant_id) as (shelf, repository):
            gone = shelf.strike(sha256s, before)
            if gone:
                repository.withdraw(gone)
        log.info("targets withdrawn", extra={"tenant": str(tenant_id), "targets": len(gone)})
        return len(gone)

    def _complain(self, tenant_id: UUID, refusal: Refusal) -> None:
        """It is tried again each minute, and said once an hour."""
        if self._now() - self._complained >= timedelta(hours=1):
            self._complained = self._now()
            log.warning("metadata of %s is not signed anew: %s", tenant_id, refusal)

    @contextmanager
    def _writing(self, tenant_id: UUID) -> Iterator[tuple[Shelf, TenantRepository]]:
        with self._shelves.writing(tenant_id) as shelf:
            repository = TenantRepository(tenant_id, shelf, self._keys, self._now)
            repository.begin()
            yield shelf, repository


def _same(known: Target, given: Target) -> None:
    if known != given:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            f"{given.sha256} is published with {known.bytes:,} bytes, not with "
            f"{given.bytes:,}: one of the two was measured wrong.",
        )


def _facts(state: TrustState, use: KeyUse) -> dict[str, object]:
    versions = {str(one.role): one.version for one in state.roles}
    return {"tenant": str(state.tenant_id), "use": str(use), "versions": versions}


def memory_repositories(now: Callable[[], datetime] = utc_now) -> Repositories:
    """They last as long as their process."""
    return Repositories(MemoryShelves(), MemoryKeys(), now)
