"""The event log on PostgreSQL, through the `eventsourcing` library's Application."""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    IntegrityError,
    Mapper,
    ProcessRecorder,
    StoredEvent,
    TrackingRecorder,
    Transcoder,
)
from eventsourcing.utils import Environment
from psycopg.rows import DictRow

from application.ports.event_log import ConcurrentChange, Moment, RecordedEvent, require_own
from domain.aggregate import Aggregate, Event
from domain.cause import current_cause
from domain.device import Device
from domain.model import Model
from domain.quota import Quota
from domain.tenant import Tenant
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.event_store.recorder import (
    TenantAggregateRecorder,
    TenantEventRecorder,
)
from infrastructure.postgres.database import Database

A = TypeVar("A", bound=Aggregate)

_STREAM = """
SELECT position, recorded_at, tenant_id, originator_id, originator_version, topic, state
FROM events
WHERE originator_id = %(stream)s
  AND (%(position)s::bigint IS NULL OR position <= %(position)s)
  AND (%(time)s::timestamptz IS NULL OR recorded_at <= %(time)s)
ORDER BY originator_version
"""
_ALL = """
WITH newest AS MATERIALIZED (
    SELECT DISTINCT ON (originator_id) originator_id, originator_version, topic, state
    FROM snapshots WHERE originator_id = ANY(%(streams)s)
    ORDER BY originator_id, originator_version DESC)
SELECT originator_id, originator_version, topic, state FROM newest
UNION ALL
SELECT e.originator_id, e.originator_version, e.topic, e.state
FROM events e LEFT JOIN newest n USING (originator_id)
WHERE e.originator_id = ANY(%(streams)s)
  AND e.originator_version > coalesce(n.originator_version, 0)
ORDER BY originator_id, originator_version
"""
_AFTER = """
SELECT position, recorded_at, tenant_id, originator_id, originator_version, topic, state
FROM events WHERE position > %s ORDER BY position LIMIT %s
"""


class _Factory(InfrastructureFactory[TrackingRecorder]):
    """Gives the library our recorders. Tracking is the followers' own (see following/)."""

    def __init__(self, env: Environment, database: Database) -> None:
        super().__init__(env)
        self._database = database

    def mapper(
        self,
        transcoder: Transcoder | None = None,
        mapper_class: type[Mapper[Any]] | None = None,
    ) -> Mapper[Any]:
        return TypedMapper()

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        return TenantAggregateRecorder(self._database)

    def application_recorder(self) -> ApplicationRecorder:
        return TenantEventRecorder(self._database)

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> Any:
        raise NotImplementedError

    def process_recorder(self) -> ProcessRecorder:
        raise NotImplementedError


class _Streams(Application[UUID]):
    snapshotting_intervals: ClassVar[dict[Any, int]] = {
        Tenant: 50,
        Quota: 50,
        Model: 50,
        Device: 50,
    }

    def __init__(self, database: Database) -> None:
        self._database = database
        super().__init__()

    def construct_factory(self, env: Environment) -> InfrastructureFactory[TrackingRecorder]:
        return _Factory(env, self._database)


class PostgresEventLog:
    """Implements `application.ports.event_log.EventLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._streams = _Streams(database)

    def find(self, aggregate_class: type[A], stream: UUID) -> A | None:
        try:
            aggregate: object = self._streams.repository.get(stream)
        except AggregateNotFoundError:
            return None
        return aggregate if isinstance(aggregate, aggregate_class) else None

    def find_all(self, aggregate_class: type[A], streams: Collection[UUID]) -> dict[UUID, A]:
        with self._database.tenant(current_cause().tenant_id) as connection:
            rows = connection.execute(_ALL, {"streams": list(streams)}).fetchall()
        found: dict[UUID, Any] = {}
        for row in rows:
            stream = row["originator_id"]
            stored = StoredEvent(
                originator_id=stream,
                originator_version=row["originator_version"],
                topic=row["topic"],
                state=bytes(row["state"]),
            )
            event: Any = self._streams.mapper.to_domain_event(stored)
            found[stream] = event.mutate(found.get(stream))
        return {id: one for id, one in found.items() if isinstance(one, aggregate_class)}

    def save(self, *aggregates: Aggregate) -> int:
        require_own(aggregates)
        try:
            recordings = self._streams.save(*aggregates)
        except IntegrityError as error:
            raise ConcurrentChange from error
        if recordings:
            return int(recordings[-1].notification.id)
        return self._streams.recorder.max_notification_id() or 0

    def stream(self, stream: UUID, until: Moment = Moment()) -> Sequence[RecordedEvent]:  # noqa: B008
        values = {"stream": stream, "position": until.position, "time": until.time}
        with self._database.tenant(current_cause().tenant_id) as connection:
            rows = connection.execute(_STREAM, values).fetchall()
        return [recorded_event(row, self._streams.mapper) for row in rows]

    def after(self, position: int, limit: int) -> Sequence[RecordedEvent]:
        with self._database.tenant(current_cause().tenant_id) as connection:
            rows = connection.execute(_AFTER, (position, limit)).fetchall()
        return [recorded_event(row, self._streams.mapper) for row in rows]


def recorded_event(row: DictRow, mapper: Mapper[UUID]) -> RecordedEvent:
    """A row of the events table as a typed event. Raises MapperDeserialisationError."""
    event = mapper.to_domain_event(
        StoredEvent(
            originator_id=row["originator_id"],
            originator_version=row["originator_version"],
            topic=row["topic"],
            state=bytes(row["state"]),
        )
    )
    assert isinstance(event, Event)
    return RecordedEvent(row["position"], row["recorded_at"], row["tenant_id"], event)
