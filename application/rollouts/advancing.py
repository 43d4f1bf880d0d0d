"""One tick of a rollout: its next steps, one after the other, until there is nothing to do now.

Whoever ticks holds a lease, so that one worker at a time is at it. It may be killed anywhere: each
act changes nothing when it is repeated, and what was not done is found again. It reads where the
devices stand only after the views show what it has done itself, and goes to sleep only if nothing
has happened since it read (`application.ports.rollouts.RolloutWakes`).
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

from application.commands.command import Request, cause_of
from application.ports.event_log import ConcurrentChange
from application.ports.leases import LEASE_TIME, Acquired
from application.ports.rollouts import Reading, Wake
from application.ports.tracing import After
from application.rollouts.carrying_out import Acts
from application.rollouts.growing import add_newcomers
from application.rollouts.standing import read, standing_from
from application.rollouts.worker import RolloutWorker
from application.views.rollout_wakes import KIND
from domain.cause import acting
from domain.principal import system
from domain.rollout import Rollout
from domain.rollout_status import RolloutStatus
from domain.rollout_steps import Wait, next_step

BEAT = LEASE_TIME.total_seconds() / 10
LAGGING_SECONDS = 1.0
LOOK_AGAIN_SECONDS = 60.0
"""For a rollout under way, whatever wakes it: nothing depends on a single waking."""
GATES_SECONDS = 15.0
"""What health gates look at is telemetry, which wakes nobody."""
_NOT_BEGUN = (RolloutStatus.DRAFT, RolloutStatus.PENDING_APPROVAL)

log = logging.getLogger(__name__)


def advance_rollout(worker: RolloutWorker, tenant_id: UUID, rollout_id: UUID) -> Acquired:
    """Carries the rollout as far as it can go now, unless somebody else does."""
    holder = f"{worker.name}:{uuid4().hex[:8]}"
    outcome = worker.leases.acquire(tenant_id, rollout_id, KIND, holder)
    if outcome is Acquired.OURS:
        try:
            with _beating(worker, tenant_id, rollout_id, holder) as lost:
                _Tick(worker, tenant_id, rollout_id, lost).run()
        finally:
            worker.leases.release(tenant_id, rollout_id, holder)
    return outcome


@contextmanager
def _beating(
    worker: RolloutWorker, tenant_id: UUID, rollout_id: UUID, holder: str
) -> Iterator[threading.Event]:
    """Renews the lease; what it yields is set when it was lost."""
    over, lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not over.wait(BEAT):
            try:
                if not worker.leases.renew(tenant_id, rollout_id, holder):
                    lost.set()
            except Exception:
                log.warning("rollout %s: no heartbeat", rollout_id, exc_info=True)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        over.set()
        thread.join()


class _Tick:
    def __init__(
        self, worker: RolloutWorker, tenant_id: UUID, rollout_id: UUID, lost: threading.Event
    ) -> None:
        self._worker, self._platform = worker, worker.platform
        self._tenant_id, self._rollout_id, self._lost = tenant_id, rollout_id, lost
        self._wakes = worker.platform.fleet.wakes
        self._after = 0

    def run(self) -> None:
        while not (self._lost.is_set() or self._worker.stopping.is_set()):
            wake = self._wakes.current(self._tenant_id, self._rollout_id)
            if wake is None:
                return
            request = Request(system(self._tenant_id), id=wake.correlation_id, cause=wake.cause)
            after = After(request.id, request.cause)
            with (
                acting(cause_of(request)),
                self._platform.tracing.span("advance rollout", after),
            ):
                try:
                    if self._step(wake):
                        return
                except ConcurrentChange:
                    continue  # somebody decided something: look again

    def _step(self, wake: Wake) -> bool:
        """One step; whether it sleeps now."""
        rollout = self._platform.log.find(Rollout, self._rollout_id)
        if rollout is None or rollout.status in _NOT_BEGUN:
            return self._wakes.sleep(self._rollout_id, wake, None)
        reading = read(self._platform, rollout, self._after)
        if reading is None:
            return self._wakes.sleep(self._rollout_id, wake, LAGGING_SECONDS)
        acts = Acts(self._worker, rollout, reading, wake)
        tended = acts.tend() or add_newcomers(self._platform, rollout)
        if not tended:
            gates = self._worker.gates(self._platform, rollout, reading)
            standing = standing_from(rollout, reading, gates)
            step = next_step(rollout, standing)
            if isinstance(step, Wait):
                return self._wakes.sleep(self._rollout_id, wake, _seconds(step, rollout, reading))
            if not acts.carry_out(step):
                return self._wakes.sleep(self._rollout_id, wake, LAGGING_SECONDS)
        self._after = self._platform.log.save(rollout)  # nothing pending: the newest position
        return False


def _seconds(wait: Wait, rollout: Rollout, reading: Reading) -> float | None:
    """How long nothing is to be done; None until something happens."""
    waits = []
    if wait.until is not None:
        waits.append(max(0.05, (wait.until - reading.now).total_seconds()))
    watched = rollout.watch_until is not None and reading.now < rollout.watch_until
    if not rollout.status.ended or reading.all.open:
        waits.append(LOOK_AGAIN_SECONDS)
    if rollout.plan.gates and (rollout.status is RolloutStatus.RUNNING or watched):
        waits.append(GATES_SECONDS)
    return min(waits, default=None)
