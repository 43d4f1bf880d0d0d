"""What people see of rollouts and their waves; their devices are in `application.views.update`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.plain_json import to_json
from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, Update, View
from domain.rollout import Rollout
from domain.rollout_status import RolloutStatus, WavePhase


@dataclass(frozen=True, slots=True)
class RolloutRow:
    """`release`, `target`, `plan` and `evidence` (of the newest decision) are JSON of the domain's
    types of that name. `release_id` and `golden` are known once it is
    prepared."""

    id: UUID
    tenant_id: UUID
    name: str
    release: dict[str, Any]
    release_id: str | None
    golden: dict[str, Any] | None
    target: dict[str, Any]
    plan: dict[str, Any]
    author: str
    status: str
    reason: str | None
    message: str | None
    phase: str | None
    phase_until: datetime | None
    wave: int
    wave_sizes: list[int]
    members: str | None
    is_prepared: bool
    watch_until: datetime | None
    evidence: dict[str, Any] | None
    drafted_at: datetime
    approved_at: datetime | None
    approved_by: str | None
    started_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime
    position: int
    changed: int


@dataclass(frozen=True, slots=True)
class RolloutWaveRow:
    """A wave that has begun. `phase` is its last one, PROMOTED once it was."""

    rollout_id: UUID
    wave: int
    tenant_id: UUID
    devices: int
    phase: str
    started_at: datetime
    soak_until: datetime | None
    promoted_at: datetime | None
    promoted_by: str | None
    evidence: dict[str, Any] | None
    position: int
    changed: int


PROMOTED = "PROMOTED"
rollouts = View("rollouts", {"rollouts": ("id",), "rollout_waves": ("rollout_id", "wave")})


@rollouts.on(Rollout.Drafted)
def _drafted(event: Rollout.Drafted, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "rollouts",
        {
            "id": event.originator_id,
            "tenant_id": at.tenant_id,
            "name": event.name,
            "release": to_json(event.release),
            "release_id": None,
            "golden": None,
            "target": to_json(event.target),
            "plan": to_json(event.plan),
            "author": event.cause.actor,
            "status": RolloutStatus.DRAFT,
            "reason": None,
            "message": None,
            "phase": None,
            "phase_until": None,
            "wave": 0,
            "wave_sizes": [],
            "members": None,
            "is_prepared": False,
            "watch_until": None,
            "evidence": None,
            "drafted_at": event.timestamp,
            "approved_at": None,
            "approved_by": None,
            "started_at": None,
            "ended_at": None,
            "updated_at": event.timestamp,
            "position": at.position,
            "changed": at.position,
        },
    )


@rollouts.on(Rollout.ApprovalRequested)
def _approval_requested(event: Rollout.ApprovalRequested, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, status=RolloutStatus.PENDING_APPROVAL)


@rollouts.on(Rollout.Approved)
def _approved(event: Rollout.Approved, at: RecordedEvent) -> Iterator[Change]:
    yield _change(
        event,
        at,
        status=RolloutStatus.APPROVED,
        members=event.members,
        wave_sizes=list(event.wave_sizes),
        approved_at=event.timestamp,
        approved_by=event.cause.actor,
    )


@rollouts.on(Rollout.Prepared)
def _prepared(event: Rollout.Prepared, at: RecordedEvent) -> Iterator[Change]:
    golden = None if event.golden is None else to_json(event.golden)
    yield _change(event, at, is_prepared=True, release_id=event.release_id, golden=golden)


@rollouts.on(Rollout.WaveStarted)
def _wave_started(event: Rollout.WaveStarted, at: RecordedEvent) -> Iterator[Change]:
    first = {"started_at": event.timestamp} if event.wave == 1 else {}
    yield _change(
        event,
        at,
        status=RolloutStatus.RUNNING,
        wave=event.wave,
        phase=WavePhase.DISPATCHING,
        phase_until=None,
        **first,
    )
    yield Insert(
        "rollout_waves",
        {
            "rollout_id": event.originator_id,
            "wave": event.wave,
            "tenant_id": at.tenant_id,
            "devices": event.devices,
            "phase": WavePhase.DISPATCHING,
            "started_at": event.timestamp,
            "soak_until": None,
            "promoted_at": None,
            "promoted_by": None,
            "evidence": None,
            "position": at.position,
            "changed": at.position,
        },
    )


@rollouts.on(Rollout.SoakStarted)
def _soak_started(event: Rollout.SoakStarted, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, phase=WavePhase.SOAKING, phase_until=event.until)
    yield _wave(event, event.wave, at, phase=WavePhase.SOAKING, soak_until=event.until)


@rollouts.on(Rollout.DecisionAwaited)
def _decision_awaited(event: Rollout.DecisionAwaited, at: RecordedEvent) -> Iterator[Change]:
    evidence = to_json(event.evidence)
    yield _change(event, at, phase=WavePhase.DECIDING, phase_until=None, evidence=evidence)
    yield _wave(event, event.wave, at, phase=WavePhase.DECIDING, evidence=evidence)


@rollouts.on(Rollout.WavePromoted)
def _promoted(event: Rollout.WavePromoted, at: RecordedEvent) -> Iterator[Change]:
    evidence = to_json(event.evidence)
    yield _change(event, at, phase=None, phase_until=None, evidence=evidence)
    yield _wave(
        event,
        event.wave,
        at,
        phase=PROMOTED,
        promoted_at=event.timestamp,
        promoted_by=event.cause.actor,
        evidence=evidence,
    )


@rollouts.on(Rollout.Paused)
def _paused(event: Rollout.Paused, at: RecordedEvent) -> Iterator[Change]:
    told = {"reason": event.reason, "message": event.message}
    yield _change(event, at, status=RolloutStatus.PAUSED, **told, **_evidence(event.evidence))


@rollouts.on(Rollout.Resumed)
def _resumed(event: Rollout.Resumed, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, status=event.status, reason=None, message=None)


@rollouts.on(Rollout.RollbackStarted)
def _rollback_started(event: Rollout.RollbackStarted, at: RecordedEvent) -> Iterator[Change]:
    yield _change(
        event,
        at,
        status=RolloutStatus.ROLLING_BACK,
        reason=event.reason,
        message=event.message,
        phase=None,
        phase_until=None,
        ended_at=None,
        **_evidence(event.evidence),
    )


@rollouts.on(Rollout.RolledBack)
def _rolled_back(event: Rollout.RolledBack, at: RecordedEvent) -> Iterator[Change]:
    yield _ended(event, at, RolloutStatus.ROLLED_BACK)


@rollouts.on(Rollout.RollbackLeftIncomplete)
def _left_incomplete(event: Rollout.RollbackLeftIncomplete, at: RecordedEvent) -> Iterator[Change]:
    yield _ended(event, at, RolloutStatus.ROLLBACK_INCOMPLETE)


@rollouts.on(Rollout.Completed)
def _completed(event: Rollout.Completed, at: RecordedEvent) -> Iterator[Change]:
    evidence, watched = to_json(event.evidence), event.watch_until
    yield _ended(event, at, RolloutStatus.COMPLETED, evidence=evidence, watch_until=watched)


@rollouts.on(Rollout.Aborted)
def _aborted(event: Rollout.Aborted, at: RecordedEvent) -> Iterator[Change]:
    yield _ended(event, at, RolloutStatus.ABORTED, message=event.message, reason=None)


def _evidence(evidence: Any) -> dict[str, Any]:
    """What somebody decides without evidence leaves the last one as it is."""
    return {} if evidence is None else {"evidence": to_json(evidence)}


def _ended(event: Rollout.Event, at: RecordedEvent, status: RolloutStatus, **more: Any) -> Update:
    over = {"phase": None, "phase_until": None, "ended_at": event.timestamp}
    return _change(event, at, status=status, **over, **more)


def _change(event: Rollout.Event, at: RecordedEvent, **columns: Any) -> Update:
    changed = {"updated_at": event.timestamp, "changed": at.position}
    return Update("rollouts", {"id": event.originator_id}, {**columns, **changed})


def _wave(event: Rollout.Event, wave: int, at: RecordedEvent, **columns: Any) -> Update:
    key = {"rollout_id": event.originator_id, "wave": wave}
    return Update("rollout_waves", key, {**columns, "changed": at.position})
