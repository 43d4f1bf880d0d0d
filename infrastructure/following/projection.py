"""A view as a follower: its rows in PostgreSQL."""

from collections.abc import Iterable, Sequence

from psycopg import Connection
from psycopg.rows import DictRow

from application.ports.event_log import RecordedEvent
from application.views.view import View
from infrastructure.following.batch import Batch, ColumnTypes, column_types

WRITTEN_AT_ONCE = 500


class Projection:
    """Implements `advance.Handling` for one view. While PostgreSQL writes the rows of some events,
    the next ones are decoded: nothing waits for an answer before the end."""

    at_once = 2000

    def __init__(self, view: View) -> None:
        self._view = view
        self._types: ColumnTypes = {}

    @property
    def name(self) -> str:
        return self._view.name

    @property
    def topics(self) -> Sequence[str]:
        return self._view.topics

    def handle(self, connection: Connection[DictRow], events: Iterable[RecordedEvent]) -> None:
        self._types = self._types or column_types(connection, self._view.tables)
        batch = Batch(self._view.tables, self._types)
        with connection.pipeline():
            for place, recorded in enumerate(events, 1):
                for change in self._view.changes(recorded):
                    batch.add(connection, change)
                if place % WRITTEN_AT_ONCE == 0:
                    batch.write(connection)
            batch.write(connection)
