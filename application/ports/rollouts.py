"""What rollouts look up, and what they keep beside their events."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.device_query import DeviceQuery
from domain.rollout_evidence import Tally


@dataclass(frozen=True, slots=True)
class MeantDevice:
    """A device as the views show it. `updating_rollout_id` holds its one slot; what it runs is of
    the rollout `installed_by`."""

    id: UUID
    name: str
    labels: dict[str, str]
    facts: dict[str, Any]
    agent: str | None
    online: bool
    decommissioned: bool
    updating_rollout_id: UUID | None
    installed_by: UUID | None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A device that another rollout, which has not ended, has yet to update or is updating."""

    device_id: UUID
    rollout_id: UUID
    rollout_name: str
    state: str


class RolloutDevices(Protocol):
    def named(self, tenant_id: UUID, device_ids: Collection[UUID]) -> Sequence[MeantDevice]:
        """Those of them that there are, in the order of their ids."""
        ...

    def meant(self, tenant_id: UUID, query: DeviceQuery) -> Sequence[MeantDevice]:
        """Those in service, in the order of their ids."""
        ...

    def elsewhere(
        self, tenant_id: UUID, device_ids: Collection[UUID], rollout_id: UUID | None
    ) -> Sequence[Elsewhere]:
        """What others than this rollout have to do with them."""
        ...


class RolloutMembers(Protocol):
    """Lists of devices by the sha256 of their sorted ids: who is meant by a rollout."""

    def keep(self, tenant_id: UUID, device_ids: Collection[UUID]) -> str:
        """Durable when it returns; the sha256 (hexadecimal)."""
        ...

    def find(self, tenant_id: UUID, sha256: str) -> tuple[UUID, ...]:
        """Sorted. Raises LookupError."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """An update, and the device that it is of."""

    update_id: UUID
    device_id: UUID


@dataclass(frozen=True, slots=True)
class Reading:
    """Where the updates of a rollout stand, all of it at one moment.

    `position` is that up to which every event is counted, `now` the database's time. `wave` counts
    the present wave; `all` every wave that has begun, and those that went before their wave.
    `outcomes` are judged (True: bad), in the order in which they were recorded, `last` the event of
    the newest. `ready` could be offered now, by their clock's offset from UTC in minutes: queued,
    in a wave that has begun, online, with a free slot; `forced` are those whose wave and window do
    not matter. `deadline` is when the next offer expires."""

    position: int
    now: datetime
    wave: Tally
    all: Tally
    outcomes: tuple[bool, ...]
    last: str | None
    ready: Mapping[int, int]
    forced: int
    cancelable: int
    revertible: int
    offered_last_minute: int
    deadline: datetime | None


class RolloutProgress(Protocol):
    """Of one rollout of a tenant each. `most` bounds what is returned."""

    def read(
        self, tenant_id: UUID, rollout_id: UUID, wave: int, *, judged_after: int, after: int
    ) -> Reading | None:
        """`wave` is the present one; outcomes up to the position `judged_after` are not judged.
        None where the views have not come to the position `after`, or to what woke the rollout,
        within some seconds."""
        ...

    def queued(self, tenant_id: UUID, rollout_id: UUID) -> frozenset[UUID]:
        """The devices that it has an update of."""
        ...

    def ready(
        self, tenant_id: UUID, rollout_id: UUID, wave: int, offsets: Collection[int], most: int
    ) -> Sequence[Place]:
        """To be offered next: those whose clock has one of these offsets."""
        ...

    def forced(self, tenant_id: UUID, rollout_id: UUID, most: int) -> Sequence[Place]:
        """To be offered now, whatever their wave."""
        ...

    def overdue(self, tenant_id: UUID, rollout_id: UUID, most: int) -> Sequence[Place]:
        """Offers whose time is over."""
        ...

    def cancelable(
        self, tenant_id: UUID, rollout_id: UUID, most: int, *, gone: bool
    ) -> Sequence[Place]:
        """Queued, or offered and not installed yet; `gone`: of decommissioned devices alone."""
        ...

    def revertible(self, tenant_id: UUID, rollout_id: UUID, most: int) -> Sequence[Place]: ...

    def failed(self, tenant_id: UUID, rollout_id: UUID, most: int) -> Sequence[Place]:
        """Those that may be tried again by hand."""
        ...


@dataclass(frozen=True, slots=True)
class Wake:
    """Why a rollout was woken: `cause` is the event; `token` tells this waking from another."""

    cause: str
    correlation_id: str
    token: str


class RolloutWakes(Protocol):
    """When a rollout is looked at next (`application.views.rollout_wakes`)."""

    def current(self, tenant_id: UUID, rollout_id: UUID) -> Wake | None: ...

    def wake_waiting(self, tenant_id: UUID, device_id: UUID) -> None:
        """Wakes those rollouts that have yet to update this device, or to take it back: it is there
        again, or its slot is free."""
        ...

    def sleep(self, rollout_id: UUID, wake: Wake, seconds: float | None) -> bool:
        """Puts it off for so long; None until something happens. False where it was woken again
        since this waking: then there is more to do."""
        ...


@dataclass(frozen=True)
class Rollouts:
    """What commands on rollouts use."""

    devices: RolloutDevices
    members: RolloutMembers
    progress: RolloutProgress
    wakes: RolloutWakes
