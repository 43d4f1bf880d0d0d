"""A view as a follower: its rows in PostgreSQL."""

from collections.abc import Sequence

from psycopg import Connection
from psycopg.rows import DictRow

from application.ports.event_log import RecordedEvent
from application.views.view import View
from infrastructure.following.batch import Batch, ColumnTypes, column_types


class Projection:
    """Implements `follower.Handling` for one view."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._types: ColumnTypes = {}

    @property
    def name(self) -> str:
        return self._view.name

    @property
    def topics(self) -> Sequence[str]:
        return self._view.topics

    def handle(self, connection: Connection[DictRow], events: Sequence[RecordedEvent]) -> None:
        self._types = self._types or column_types(connection, self._view.tables)
        batch = Batch(self._view.tables, self._types)
        for recorded in events:
            for change in self._view.changes(recorded):
                batch.add(connection, change)
        batch.write(connection)
