"""What a step of a rollout does. Devices are acted on a part of them at a time, so that a stop is
soon heard."""

import logging
from collections.abc import Sequence
from uuid import UUID

from application.commands.command import Request
from application.commands.update import (
    Done,
    cancel_updates,
    expire_updates,
    offer_reverts,
    offer_updates,
)
from application.ports.engine import EngineCrashed, EngineRefusal
from application.ports.rollouts import Place, Reading, Wake
from application.rollouts.preparing import prepare
from application.rollouts.standing import open_offsets
from application.rollouts.worker import RolloutWorker
from domain.cause import because_of
from domain.principal import system
from domain.refusal import Refusal
from domain.rollout import Rollout
from domain.rollout_plan import OnStop
from domain.rollout_status import PauseReason
from domain.rollout_steps import (
    AwaitDecision,
    Cancel,
    Complete,
    Dispatch,
    EndRollback,
    Prepare,
    Promote,
    Revert,
    StartSoak,
    StartWave,
    Step,
    Stop,
    Wait,
)

AT_ONCE = 250
"""Devices between two looks at where the rollout stands."""
_SENDS = (Rollout.WaveStarted, Rollout.Resumed)
_ENDS = (Rollout.RollbackStarted, Rollout.Aborted)

log = logging.getLogger(__name__)


class Acts:
    """The acts of one step, on what was read just before."""

    def __init__(
        self, worker: RolloutWorker, rollout: Rollout, reading: Reading, wake: Wake
    ) -> None:
        self._worker, self._platform = worker, worker.platform
        self._rollout, self._reading, self._wake = rollout, reading, wake
        self._progress = worker.platform.fleet.progress
        self._releases: dict[UUID, str | None] = {}

    def tend(self) -> bool:
        """Ends what has ended by itself: offers whose time is over, and devices that are gone.
        Whether there was something."""
        tenant, rollout, now = self._rollout.tenant_id, self._rollout.id, self._reading.now
        overdue: Sequence[Place] = ()
        if self._reading.deadline is not None and self._reading.deadline <= now:
            overdue = self._progress.overdue(tenant, rollout, AT_ONCE)
        gone = self._progress.cancelable(tenant, rollout, AT_ONCE, gone=True)
        request = self._request(self._wake.cause)
        over = 0
        if overdue:
            over = expire_updates(self._platform, request, places=overdue, now=now)
        if gone:
            cancel_updates(self._platform, request, places=gone)
        return over > 0 or bool(gone)

    def carry_out(self, step: Step) -> bool:
        """False where nothing could be done now: try again in a moment."""
        rollout = self._rollout
        match step:
            case Prepare():
                self._prepare()
            case Dispatch(most):
                return self._dispatch(min(most, AT_ONCE))
            case Revert(most):
                return self._revert(min(most, AT_ONCE))
            case Cancel():
                places = self._progress.cancelable(
                    rollout.tenant_id, rollout.id, AT_ONCE, gone=False
                )
                request = self._request(self._last(*_ENDS))
                cancel_updates(self._platform, request, places=places)
            case StartWave(wave):
                with because_of(rollout.reference):
                    rollout.start_wave(wave)
                    self._platform.log.save(rollout)
            case Wait():
                pass
            case _:
                with because_of(self._reading.last or rollout.reference):
                    self._decide(step)
                    self._platform.log.save(rollout)
        return True

    def _decide(self, step: Step) -> None:
        rollout = self._rollout
        match step:
            case StartSoak(until):
                rollout.start_soak(until)
            case AwaitDecision(evidence):
                rollout.await_decision(evidence)
            case Promote(evidence):
                rollout.promote(evidence)
            case Stop(reason, message, evidence):
                reverts = rollout.plan.on_stop is OnStop.REVERT
                stop = rollout.start_rollback if reverts else rollout.pause
                stop(reason, message, evidence)
            case Complete(evidence, watch_until):
                rollout.complete(evidence, watch_until)
            case EndRollback(evidence):
                rollout.end_rollback(evidence)

    def _prepare(self) -> None:
        with because_of(self._rollout.reference):
            try:
                prepare(self._platform, self._worker.make_golden, self._rollout)
            except (Refusal, EngineRefusal, EngineCrashed) as error:
                log.warning("rollout %s is not prepared: %s", self._rollout.id, error)
                self._rollout.pause(PauseReason.NOT_PREPARED, str(error))
                self._platform.log.save(self._rollout)

    def _dispatch(self, most: int) -> bool:
        rollout, tenant = self._rollout, self._rollout.tenant_id
        places = list(self._progress.forced(tenant, rollout.id, most))
        if len(places) < most:
            offsets = open_offsets(rollout, self._reading)
            left = most - len(places)
            places += self._progress.ready(tenant, rollout.id, rollout.wave, offsets, left)
        done = offer_updates(
            self._platform,
            self._request(self._last(*_SENDS)),
            places=places,
            rollout=rollout,
            release_of=self._release_of,
        )
        return any(one is not Done.HELD for one in done)

    def _revert(self, most: int) -> bool:
        rollout = self._rollout
        done = offer_reverts(
            self._platform,
            self._request(self._last(*_ENDS)),
            places=self._progress.revertible(rollout.tenant_id, rollout.id, most),
            rollout=rollout,
            release_of=self._release_of,
        )
        return any(one is not Done.HELD for one in done)

    def _release_of(self, rollout_id: UUID) -> str | None:
        if rollout_id not in self._releases:
            found = self._platform.log.find(Rollout, rollout_id)
            self._releases[rollout_id] = None if found is None else found.release.id
        return self._releases[rollout_id]

    def _last(self, *event_classes: type[Rollout.Event]) -> str:
        """What these acts follow from: the newest event of these classes."""
        events = self._platform.log.stream(self._rollout.id)
        return next(
            (
                one.event.reference
                for one in reversed(events)
                if isinstance(one.event, event_classes)
            ),
            self._rollout.reference,
        )

    def _request(self, cause: str) -> Request:
        return Request(system(self._rollout.tenant_id), id=self._wake.correlation_id, cause=cause)
