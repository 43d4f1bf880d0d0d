"""A rollout: a release goes out to devices in waves, and stops itself where it does harm.

    DRAFT → (PENDING_APPROVAL →) APPROVED → RUNNING(wave: DISPATCHING → SOAKING → DECIDING)
      → COMPLETED; PAUSED with a reason; ROLLING_BACK → ROLLED_BACK or ROLLBACK_INCOMPLETE; ABORTED.

It holds decisions with their evidence, never the updates themselves, and never advances on silence:
each step is a command that somebody gives, or that the evidence calls for (`domain.rollout_steps`).
"""

from datetime import datetime
from uuid import UUID

from domain.aggregate import Aggregate
from domain.naming import checked_name
from domain.refusal import Refusal, RefusalCode, invalid
from domain.release import Golden, Release
from domain.rollout_events import RolloutState
from domain.rollout_evidence import Evidence
from domain.rollout_plan import Plan, Target
from domain.rollout_status import PauseReason, RolloutStatus, WavePhase


class Rollout(RolloutState, Aggregate):
    """What may be done to it, and what happens to it."""

    TOPIC = "rollout"

    # Imported here, so that they are of the class for readers and for mypy alike.
    # isort: off
    from domain.rollout_events import (
        Aborted as Aborted,
        ApprovalRequested as ApprovalRequested,
        Approved as Approved,
        Completed as Completed,
        DecisionAwaited as DecisionAwaited,
        Drafted as Drafted,
        Event as Event,
        Paused as Paused,
        Prepared as Prepared,
        Resumed as Resumed,
        RollbackLeftIncomplete as RollbackLeftIncomplete,
        RollbackStarted as RollbackStarted,
        RolledBack as RolledBack,
        SoakStarted as SoakStarted,
        WavePromoted as WavePromoted,
        WaveStarted as WaveStarted,
    )
    # isort: on

    @classmethod
    def draft(
        cls,
        rollout_id: UUID,
        name: str,
        release: Release,
        target: Target,
        plan: Plan,
        request_hash: str,
    ) -> "Rollout":
        return cls._create(
            cls.Drafted,
            id=rollout_id,
            request_hash=request_hash,
            name=checked_name(name, "name"),
            release=release.checked(),
            target=target.checked(),
            plan=plan.checked(),
        )

    def ask_approval(self) -> None:
        if self.status is RolloutStatus.PENDING_APPROVAL:
            return
        self._require(RolloutStatus.DRAFT)
        self.trigger_event(Rollout.ApprovalRequested)

    def approve(self, actor: str, members: str, wave_sizes: tuple[int, ...]) -> None:
        """Fixes who is meant. Raises Refusal where the plan wants another member's approval."""
        if self.plan.needs_approval:
            self._require(RolloutStatus.PENDING_APPROVAL)
            if actor == self.author:
                raise Refusal(
                    RefusalCode.FORBIDDEN,
                    "Another member than the author has to approve this rollout.",
                    "rolloutId",
                )
        else:
            self._require(RolloutStatus.DRAFT, RolloutStatus.PENDING_APPROVAL)
        if not sum(wave_sizes):
            raise invalid("target", "No device is meant. Widen the target.")
        self.trigger_event(Rollout.Approved, members=members, wave_sizes=wave_sizes)

    def prepared(self, golden: Golden | None) -> None:
        """Once; again changes nothing."""
        if self.status is RolloutStatus.APPROVED and self.wave == 0 and not self.is_prepared:
            release = self.release.with_golden(golden)
            self.trigger_event(Rollout.Prepared, golden=golden, release_id=release.id)

    def start_wave(self, wave: int) -> None:
        """The first, or the one after a promoted one."""
        if wave == self.wave:
            return
        first = self.status is RolloutStatus.APPROVED and wave == 1
        next_ = self.status is RolloutStatus.RUNNING and self.phase is None
        if not (first or next_) or wave != self.wave + 1 or wave > len(self.wave_sizes):
            raise self._not_now(f"start wave {wave}")
        self.trigger_event(Rollout.WaveStarted, wave=wave, devices=self.wave_sizes[wave - 1])

    def start_soak(self, until: datetime) -> None:
        if self.status is RolloutStatus.RUNNING and self.phase is WavePhase.DISPATCHING:
            self.trigger_event(Rollout.SoakStarted, wave=self.wave, until=until)

    def await_decision(self, evidence: Evidence) -> None:
        if self.status is RolloutStatus.RUNNING and self.phase is WavePhase.SOAKING:
            self.trigger_event(Rollout.DecisionAwaited, wave=self.wave, evidence=evidence)

    def promote(self, evidence: Evidence) -> None:
        """Of the wave that has soaked; by hand also of one that has not."""
        if self.status is not RolloutStatus.RUNNING or self.phase is None:
            raise self._not_now("promote a wave")
        self.trigger_event(Rollout.WavePromoted, wave=self.wave, evidence=evidence)

    def pause(
        self,
        reason: PauseReason,
        message: str | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        if self.status is RolloutStatus.PAUSED:
            return
        self._require(RolloutStatus.APPROVED, RolloutStatus.RUNNING, RolloutStatus.COMPLETED)
        self.trigger_event(Rollout.Paused, reason=reason, message=message, evidence=evidence)

    def resume(self) -> None:
        self._require(RolloutStatus.PAUSED)
        self.trigger_event(Rollout.Resumed, status=self.paused_from)

    def start_rollback(
        self,
        reason: PauseReason,
        message: str | None = None,
        evidence: Evidence | None = None,
    ) -> None:
        """Also after it was completed, or was aborted and what is installed was kept."""
        if self.status is RolloutStatus.ROLLING_BACK:
            return
        self._require(
            RolloutStatus.RUNNING,
            RolloutStatus.PAUSED,
            RolloutStatus.COMPLETED,
            RolloutStatus.ABORTED,
        )
        self.trigger_event(
            Rollout.RollbackStarted, reason=reason, message=message, evidence=evidence
        )

    def end_rollback(self, evidence: Evidence) -> None:
        """What was left incomplete is ended again once the rest is taken back."""
        whole = evidence.tally.not_taken_back == 0
        late = whole and self.status is RolloutStatus.ROLLBACK_INCOMPLETE
        if not late and self.status is not RolloutStatus.ROLLING_BACK:
            return
        ended = Rollout.RolledBack if whole else Rollout.RollbackLeftIncomplete
        self.trigger_event(ended, evidence=evidence)

    def complete(self, evidence: Evidence, watch_until: datetime | None) -> None:
        if self.status is RolloutStatus.RUNNING and self.phase is None:
            self.trigger_event(Rollout.Completed, evidence=evidence, watch_until=watch_until)

    def abort(self, message: str | None = None) -> None:
        if self.status is RolloutStatus.ABORTED:
            return
        if self.status.ended or self.status is RolloutStatus.ROLLING_BACK:
            raise self._not_now("abort")
        self.trigger_event(Rollout.Aborted, message=message)

    def _require(self, *statuses: RolloutStatus) -> None:
        if self.status not in statuses:
            wanted = " or ".join(statuses)
            raise Refusal(
                RefusalCode.INVALID_STATE,
                f"The rollout is {self.status}, not {wanted}.",
                "rolloutId",
            )

    def _not_now(self, what: str) -> Refusal:
        phase = f", {self.phase} in wave {self.wave}" if self.phase else ""
        return Refusal(
            RefusalCode.INVALID_STATE,
            f"The rollout is {self.status}{phase}: it cannot {what} now.",
            "rolloutId",
        )
