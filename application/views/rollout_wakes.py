"""Which rollouts have something to do: rows of the outbox, until an actor finds nothing left.

The row is due at once after each event that matters. The actor that finds nothing to do now puts
it off until the next deadline, unless another event has come meanwhile: the payload is then another
one (`application.ports.rollout_wakes`).
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, View
from domain.aggregate import Event
from domain.rollout import Rollout
from domain.update import Update

KIND = "rollout"
NEEDS = ("kind:rollout",)
rollout_wakes = View("rollout_wakes", {"outbox": ("kind", "dedupe_key")}, live=True)


def _of_rollout(event: Rollout.Event, at: RecordedEvent) -> Iterator[Change]:
    yield _row(event.originator_id, event, at)


def _of_update(
    event: Update.Forced | Update.Settled | Update.RetryScheduled, at: RecordedEvent
) -> Iterator[Change]:
    yield _row(event.rollout_id, event, at)


rollout_wakes.on(Rollout.Approved)(_of_rollout)
rollout_wakes.on(Rollout.WavePromoted)(_of_rollout)
rollout_wakes.on(Rollout.Paused)(_of_rollout)
rollout_wakes.on(Rollout.Resumed)(_of_rollout)
rollout_wakes.on(Rollout.RollbackStarted)(_of_rollout)
rollout_wakes.on(Rollout.Aborted)(_of_rollout)
rollout_wakes.on(Update.Forced)(_of_update)
rollout_wakes.on(Update.Settled)(_of_update)
rollout_wakes.on(Update.RetryScheduled)(_of_update)


def wake_payload(rollout_id: UUID, position: int, cause: str, correlation: str) -> dict[str, Any]:
    """`cause` is the event that there is something to do for."""
    return {
        "rollout": str(rollout_id),
        "position": position,
        "cause": cause,
        "correlation_id": correlation,
        "needs": list(NEEDS),
    }


def _row(rollout_id: UUID, event: Event, at: RecordedEvent) -> Insert:
    return Insert(
        "outbox",
        {
            "kind": KIND,
            "dedupe_key": str(rollout_id),
            "tenant_id": at.tenant_id,
            "payload": wake_payload(
                rollout_id, at.position, event.reference, event.cause.correlation_id
            ),
            "available_at": at.recorded_at,
        },
    )
