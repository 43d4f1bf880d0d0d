"""Rows in memory, changed as PostgreSQL's would be: for an object as it was, and for tests."""

from collections.abc import Iterable, Mapping
from typing import Any

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Insert, Update, View


class MemoryTables:
    """The tables of some views, keyed as those declare."""

    def __init__(self, *views: View) -> None:
        self._views = views
        self._keys = {table: key for view in views for table, key in view.tables.items()}
        self._rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {
            table: {} for table in self._keys
        }

    def fold(self, events: Iterable[RecordedEvent]) -> None:
        """Applies every event to every view, in order."""
        for recorded in events:
            for view in self._views:
                for change in view.changes(recorded):
                    self.apply(change)

    def apply(self, change: Change) -> None:
        rows, key_columns = self._rows[change.table], self._keys[change.table]
        if isinstance(change, Insert):
            rows[tuple(change.row[column] for column in key_columns)] = dict(change.row)
        elif isinstance(change, Update):
            row = rows.get(tuple(change.key[column] for column in key_columns))
            if row is not None:
                row.update(change.columns)
        else:
            for key in [key for key, row in rows.items() if _matches(row, change.match)]:
                del rows[key]

    def rows(self, table: str, **match: Any) -> list[dict[str, Any]]:
        """The rows with these values, newest first."""
        found = [row for row in self._rows[table].values() if _matches(row, match)]
        return sorted(found, key=lambda row: row["position"], reverse=True)


def _matches(row: Mapping[str, Any], match: Mapping[str, Any]) -> bool:
    return all(row[column] == value for column, value in match.items())
