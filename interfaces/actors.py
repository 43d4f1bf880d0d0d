"""The actors: what a hint from the queue makes a worker do.

A hint carries the relay's span as a message option, not as an argument: a worker of another version
takes the hint all the same.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import dramatiq
from dramatiq.middleware import CurrentMessage
from structlog.contextvars import bound_contextvars

from application.jobs.attempt import Worker, work_on
from application.ports.leases import Acquired
from application.ports.tracing import After
from application.rollouts.advancing import advance_rollout
from application.rollouts.worker import RolloutWorker
from application.views.rollout_wakes import KIND as ROLLOUT

AGAIN_IN = timedelta(seconds=1)
TAKEN = (Acquired.OURS, Acquired.HELD)
TRACEPARENT = "traceparent"

Again = Callable[[str, timedelta], None]


def declare_actors(
    broker: dramatiq.Broker, worker: Worker, again: Again
) -> Callable[[UUID, dict[str, Any]], None]:
    """Declares one queue for each kind of job; returns what sends a hint."""
    actors = {kind: _actor(broker, worker, kind, again) for kind in worker.kinds}

    def send(tenant_id: UUID, payload: dict[str, Any]) -> None:
        span = worker.platform.tracing.traceparent()
        options: dict[str, Any] = {} if span is None else {TRACEPARENT: span}
        values = (str(tenant_id), payload["job_id"], payload["correlation_id"])
        actors[payload["job_kind"]].send_with_options(args=values, **options)

    return send


def declare_rollout_actor(
    broker: dramatiq.Broker, worker: RolloutWorker, again: Again
) -> Callable[[UUID, dict[str, Any]], None]:
    """Declares the queue of rollouts; returns what sends a hint."""
    tracing = worker.platform.tracing

    def carry_on(tenant_id: str, rollout_id: str, correlation_id: str) -> None:
        after = After(correlation_id, f"{rollout_id}/1", _traceparent())
        with (
            bound_contextvars(rollout_id=rollout_id, correlation_id=correlation_id),
            tracing.span("actor rollout", after, "consumer", rollout=rollout_id),
        ):
            if advance_rollout(worker, UUID(tenant_id), UUID(rollout_id)) not in TAKEN:
                again(rollout_id, AGAIN_IN)

    actor = dramatiq.actor(actor_name=ROLLOUT, queue_name=ROLLOUT, broker=broker)(carry_on)

    def send(tenant_id: UUID, payload: dict[str, Any]) -> None:
        span = tracing.traceparent()
        options: dict[str, Any] = {} if span is None else {TRACEPARENT: span}
        values = (str(tenant_id), payload["rollout"], payload["correlation_id"])
        actor.send_with_options(args=values, **options)

    return send


def _actor(
    broker: dramatiq.Broker, worker: Worker, kind: str, again: Again
) -> dramatiq.Actor[[str, str, str], None]:
    tracing = worker.platform.tracing

    def carry_out(tenant_id: str, job_id: str, correlation_id: str) -> None:
        after = After(correlation_id, f"{job_id}/1", _traceparent())
        with (
            bound_contextvars(job_id=job_id, correlation_id=correlation_id),
            tracing.span(f"actor {kind}", after, "consumer", job=job_id),
        ):
            # Full is full for a while; and what this worker cannot do, another can: only a relay
            # whose own worker is able gives a hint.
            if work_on(worker, UUID(tenant_id), UUID(job_id)) not in TAKEN:
                again(job_id, AGAIN_IN)

    declare = dramatiq.actor(actor_name=kind, queue_name=kind, broker=broker)
    return declare(carry_out)


def _traceparent() -> str | None:
    message = CurrentMessage.get_current_message()
    return None if message is None else message.options.get(TRACEPARENT)
