"""Which jobs wait for a worker: rows of the outbox, until the job has ended.

The relay hands each due row to the queue as a hint; see application/jobs. What is due goes by the
database's clock, so that an API process with a wrong one delays nothing.
"""

from collections.abc import Iterator

from application.jobs.registry import needs_of
from application.ports.event_log import RecordedEvent
from application.views.view import Change, Delete, Insert, Update, View
from domain.job import Job

KIND = "job"
dispatch = View("dispatch", {"outbox": ("kind", "dedupe_key")}, live=True)


@dispatch.on(Job.Requested)
def _requested(event: Job.Requested, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "outbox",
        {
            "kind": KIND,
            "dedupe_key": str(event.originator_id),
            "tenant_id": at.tenant_id,
            "payload": {
                "job_id": str(event.originator_id),
                "job_kind": event.kind,
                "correlation_id": event.cause.correlation_id,
                "needs": sorted(needs_of(event.kind, event.input)),
            },
            "available_at": at.recorded_at,
        },
    )


@dispatch.on(Job.RetryScheduled)
def _retry_scheduled(event: Job.RetryScheduled, at: RecordedEvent) -> Iterator[Change]:
    yield Update("outbox", _key(event), {"available_at": event.not_before})


@dispatch.on(Job.Interrupted)
def _interrupted(event: Job.Interrupted, at: RecordedEvent) -> Iterator[Change]:
    yield Update("outbox", _key(event), {"available_at": at.recorded_at})


@dispatch.on(Job.Succeeded)
def _succeeded(event: Job.Succeeded, at: RecordedEvent) -> Iterator[Change]:
    yield Delete("outbox", _key(event))


@dispatch.on(Job.Failed)
def _failed(event: Job.Failed, at: RecordedEvent) -> Iterator[Change]:
    yield Delete("outbox", _key(event))


@dispatch.on(Job.Cancelled)
def _cancelled(event: Job.Cancelled, at: RecordedEvent) -> Iterator[Change]:
    yield Delete("outbox", _key(event))


def _key(event: Job.Event) -> dict[str, str]:
    return {"kind": KIND, "dedupe_key": str(event.originator_id)}
