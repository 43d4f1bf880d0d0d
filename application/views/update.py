"""What people see of updates: one device in one rollout each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, View
from application.views.view import Update as RowUpdate
from domain.update import Update
from domain.update_state import Outcome, UpdateState


@dataclass(frozen=True, slots=True)
class UpdateRow:
    """`outcome` is the newest one that is judged, good or bad, recorded at `settled_position` by
    the event `settled_by`; a retry forgets it. `reverting`: a revert was offered and has not
    succeeded. `running` is the release that the device says it runs, `previous` the rollout whose
    release it ran before."""

    id: UUID
    tenant_id: UUID
    rollout_id: UUID
    device_id: UUID
    wave: int
    release_id: str
    state: str
    attempt: int
    counter: int
    forced: bool
    reverting: bool
    previous: UUID | None
    outcome: str | None
    settled_position: int | None
    settled_by: str | None
    code: str | None
    problem: str | None
    detail: str | None
    running: str | None
    findings: dict[str, Any] | None
    queued_at: datetime
    offered_at: datetime | None
    expires_at: datetime | None
    settled_at: datetime | None
    updated_at: datetime
    position: int
    changed: int


updates = View("updates", {"updates": ("id",)})
_FORGOTTEN: dict[str, Any] = {"outcome": None, "settled_position": None, "settled_by": None}
_NOTHING_WRONG: dict[str, Any] = {"code": None, "problem": None, "detail": None}


@updates.on(Update.Queued)
def _queued(event: Update.Queued, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "updates",
        {
            "id": event.originator_id,
            "tenant_id": at.tenant_id,
            "rollout_id": event.rollout_id,
            "device_id": event.device_id,
            "wave": event.wave,
            "release_id": event.release_id,
            "state": UpdateState.QUEUED,
            "attempt": 0,
            "counter": 0,
            "forced": False,
            "reverting": False,
            "previous": None,
            **_FORGOTTEN,
            **_NOTHING_WRONG,
            "running": None,
            "findings": None,
            "queued_at": event.timestamp,
            "offered_at": None,
            "expires_at": None,
            "settled_at": None,
            "updated_at": event.timestamp,
            "position": at.position,
            "changed": at.position,
        },
    )


@updates.on(Update.Forced)
def _forced(event: Update.Forced, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, forced=True)


@updates.on(Update.Offered)
def _offered(event: Update.Offered, at: RecordedEvent) -> Iterator[Change]:
    own = event.previous == event.rollout_id
    previous = {} if own else {"previous": event.previous}
    yield _change(
        event,
        at,
        state=UpdateState.OFFERED,
        attempt=event.attempt,
        counter=event.counter,
        reverting=False,
        offered_at=event.timestamp,
        expires_at=event.expires_at,
        **_NOTHING_WRONG,
        **previous,
    )


@updates.on(Update.Advanced)
def _advanced(event: Update.Advanced, at: RecordedEvent) -> Iterator[Change]:
    yield _change(event, at, state=UpdateState(event.stage), detail=event.detail)


@updates.on(Update.Settled)
def _settled(event: Update.Settled, at: RecordedEvent) -> Iterator[Change]:
    columns: dict[str, Any] = {
        "state": UpdateState(event.outcome),
        "code": event.code,
        "problem": event.problem,
        "running": event.release_id,
        "findings": event.findings,
        "settled_at": event.timestamp,
    }
    if event.outcome.good or event.outcome.bad:
        judged = {"outcome": event.outcome, "settled_position": at.position}
        columns |= judged | {"settled_by": event.reference}
    if event.outcome is Outcome.REVERTED:
        columns["reverting"] = False
    yield _change(event, at, **columns)


@updates.on(Update.RetryScheduled)
def _retried(event: Update.RetryScheduled, at: RecordedEvent) -> Iterator[Change]:
    told = {"code": event.code, "problem": event.problem}
    yield _change(event, at, state=UpdateState.QUEUED, **told, **_FORGOTTEN)


@updates.on(Update.RevertOffered)
def _revert_offered(event: Update.RevertOffered, at: RecordedEvent) -> Iterator[Change]:
    yield _change(
        event,
        at,
        state=UpdateState.REVERTING,
        attempt=event.attempt,
        counter=event.counter,
        reverting=True,
        offered_at=event.timestamp,
        expires_at=event.expires_at,
    )


def _change(event: Update.Event, at: RecordedEvent, **columns: Any) -> RowUpdate:
    changed = {"updated_at": event.timestamp, "changed": at.position}
    return RowUpdate("updates", {"id": event.originator_id}, {**columns, **changed})
