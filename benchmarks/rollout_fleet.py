"""The state of a rollout, its updates and its devices in memory, read as the actor reads it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from benchmarks.rollout_laws import BEFORE, Violation, has_it
from domain.cause import Cause
from domain.release import Component, ComponentKind, Release
from domain.rollout import Rollout
from domain.rollout_evidence import Tally
from domain.rollout_plan import Plan, Target
from domain.rollout_standing import Standing
from domain.rollout_status import RolloutStatus
from domain.rollout_waves import draw_waves, wave_sizes
from domain.update import Update
from domain.update_state import Outcome, Stage, UpdateState

TENANT = UUID("11111111-1111-4111-8111-111111111111")
SOMEBODY = Cause(TENANT, "key:test", "request:1", "1")
BEGIN = datetime(2026, 11, 22, tzinfo=UTC)
RELEASE = Release((Component(ComponentKind.CONFIGURATION, "settings", configuration={"a": 1}),))
U, R = UpdateState, RolloutStatus
SENDING = (R.RUNNING, R.COMPLETED)
_COUNTED = {
    U.QUEUED: "queued",
    U.CONFIRMED: "confirmed",
    U.SKIPPED: "skipped",
    U.CANCELED: "canceled",
    U.REVERTED: "reverted",
    **{UpdateState(one): "bad" for one in Outcome if one.bad},
}


@dataclass
class Fleet:
    """`devices` of them, all online. `judged` has each device's newest outcome, good or bad, with
    its position; `offers` when the release was offered."""

    plan: Plan
    devices: int
    now: datetime = BEGIN
    position: int = 1
    online: set[UUID] = field(default_factory=set)
    said: list[tuple[UUID, int, Stage | Outcome]] = field(default_factory=list)

    def __post_init__(self) -> None:
        ids = [uuid5(TENANT, str(number)) for number in range(self.devices)]
        self.rollout = Rollout.draft(
            uuid5(TENANT, "rollout"), "world", RELEASE, Target(device_ids=tuple(ids)), self.plan, ""
        )
        if self.plan.needs_approval:
            self.rollout.ask_approval()
        sizes = wave_sizes(self.plan.waves, len(ids))
        self.rollout.approve("key:other", "0" * 64, sizes)
        waves = draw_waves(self.rollout.id, ids, sizes)
        self.waves = {one: number for number, wave in enumerate(waves, 1) for one in wave}
        if sorted(self.waves) != sorted(ids) or sum(map(len, waves)) != len(ids):
            raise Violation("a device is in no wave, or in two")
        self.updates: dict[UUID, Update] = {}
        self.judged: dict[UUID, tuple[int, bool]] = {}
        self.offers: list[datetime] = []
        self.online |= set(ids)
        self.ids = sorted(ids)
        self.rollout.collect_events()
        self.status, self.wave = self.rollout.status, self.rollout.wave

    def standing(self) -> Standing:
        present, begun = [], []
        for device, update in self.updates.items():
            if update.wave == self.rollout.wave:
                present.append(device)
            if self._begun(update):
                begun.append(device)
        judged = sorted(self.judged.values())
        deadlines = [
            one.expires_at
            for one in self.updates.values()
            if one.state.under_way and one.expires_at
        ]
        return Standing(
            now=self.now,
            position=self.position,
            wave=self._tally(present),
            all=self._tally(begun),
            outcomes=tuple(bad for at, bad in judged if at > self.rollout.judged_after),
            offered_last_minute=sum(self.now - one < timedelta(minutes=1) for one in self.offers),
            offerable=len(list(self.offerable())),
            cancelable=sum(_cancelable(one) for one in self.updates.values()),
            revertible=len(list(self.revertible())),
            next_deadline=min(deadlines, default=None),
        )

    def _begun(self, update: Update) -> bool:
        return update.wave <= self.rollout.wave or update.forced or update.attempt > 0

    def offerable(self) -> Iterator[UUID]:
        for device, update in self.updates.items():
            due = update.wave <= self.rollout.wave or update.forced
            if update.state is U.QUEUED and due and device in self.online:
                yield device

    def revertible(self) -> Iterator[UUID]:
        for device, update in self.updates.items():
            if update.state.may_be_reverted and device in self.online and not update.reverting:
                yield device

    def _tally(self, devices: list[UUID]) -> Tally:
        count: Counter[str] = Counter()
        for device in devices:
            update = self.updates[device]
            count[_COUNTED.get(update.state, "open")] += 1
            count["not_taken_back"] += has_it(update)
            count["offline"] += update.state is U.QUEUED and device not in self.online
        return Tally(devices=len(devices), **count)


def _cancelable(update: Update) -> bool:
    return update.state is U.QUEUED or update.state in BEFORE
