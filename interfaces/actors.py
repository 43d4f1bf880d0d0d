"""The actors: what a hint from the queue makes a worker do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import dramatiq
from structlog.contextvars import bound_contextvars

from application.jobs.attempt import Worker, work_on
from application.ports.leases import Acquired

AGAIN_WHEN_FULL = timedelta(seconds=1)

Again = Callable[[str, timedelta], None]


def declare_actors(
    broker: dramatiq.Broker, worker: Worker, again: Again
) -> Callable[[UUID, dict[str, Any]], None]:
    """Declares one queue for each kind of job; returns what sends a hint."""
    actors = {kind: _actor(broker, worker, kind, again) for kind in worker.kinds}

    def send(tenant_id: UUID, payload: dict[str, Any]) -> None:
        actor = actors[payload["job_kind"]]
        actor.send(str(tenant_id), payload["job_id"], payload["correlation_id"])

    return send


def _actor(
    broker: dramatiq.Broker, worker: Worker, kind: str, again: Again
) -> dramatiq.Actor[[str, str, str], None]:
    def carry_out(tenant_id: str, job_id: str, correlation_id: str) -> None:
        with bound_contextvars(job_id=job_id, correlation_id=correlation_id):
            if work_on(worker, UUID(tenant_id), UUID(job_id)) is Acquired.FULL:
                again(job_id, AGAIN_WHEN_FULL)

    declare = dramatiq.actor(actor_name=kind, queue_name=kind, broker=broker)
    return declare(carry_out)
