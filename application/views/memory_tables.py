"""Rows in memory, changed as PostgreSQL's would be: for the past, and for tests.

A row is never changed, only replaced, so copies share rows and cost little more than a dictionary.
What PostgreSQL keeps as JSON is kept as JSON here too: it takes a fraction of the memory, and is
read back as it would be from a table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import orjson

from application.ports.event_log import RecordedEvent
from application.shown import shown
from application.views.view import Change, Insert, Update, View

Row = Mapping[str, Any]
Key = tuple[Any, ...]

WEIGHT_OF_A_ROW = 1_500
"""About how many bytes a row takes besides its JSON."""


@dataclass(frozen=True, slots=True)
class Packed:
    """The value of a JSON column."""

    json: bytes


class MemoryTables:
    """The tables of some views, keyed as those declare."""

    def __init__(self, *views: View) -> None:
        self._views = views
        self._keys = {table: key for view in views for table, key in view.tables.items()}
        self._rows: dict[str, dict[Key, Row]] = {table: {} for table in self._keys}
        self._weight = 0
        self._groups: dict[tuple[str, tuple[str, ...]], dict[Key, set[Key]]] = {}
        self._sorted: dict[str, list[Row]] = {}
        self._found: dict[tuple[str, str], dict[Any, list[Row]]] = {}

    @property
    def weight(self) -> int:
        """About how many bytes the rows take."""
        return self._weight

    def copy(self) -> "MemoryTables":
        """The same rows, to be changed by themselves."""
        copied = MemoryTables(*self._views)
        copied._rows = {table: dict(rows) for table, rows in self._rows.items()}
        copied._weight = self._weight
        return copied

    def fold(self, events: Iterable[RecordedEvent]) -> None:
        """Applies every event to every view, in order."""
        for recorded in events:
            for view in self._views:
                for change in view.changes(recorded):
                    self.apply(change)

    def apply(self, change: Change) -> None:
        rows, key_columns = self._rows[change.table], self._keys[change.table]
        if isinstance(change, Insert):
            self._put(change.table, _values(change.row, key_columns), _packed(change.row))
        elif isinstance(change, Update):
            key = _values(change.key, key_columns)
            if key in rows:
                self._put(change.table, key, {**rows[key], **_packed(change.columns)})
        else:
            for key in self._matching(change.table, change.match):
                self._put(change.table, key, None)

    def newest_first(self, table: str) -> list[Row]:
        """All rows by their position, JSON still packed. Not to be changed."""
        found = self._sorted.get(table)
        if found is None:
            found = sorted(self._rows[table].values(), key=_position, reverse=True)
            self._sorted[table] = found
        return found

    def having(self, table: str, column: str, value: Any) -> list[Row]:
        """The rows with this value, newest first, JSON still packed. Not to be changed."""
        index = self._found.get((table, column))
        if index is None:
            index = {}
            for row in self.newest_first(table):
                index.setdefault(row[column], []).append(row)
            self._found[table, column] = index
        return index.get(value, [])

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows, newest first."""
        return [unpacked(row) for row in self.newest_first(table)]

    def _put(self, table: str, key: Key, row: Row | None) -> None:
        rows = self._rows[table]
        old = rows.pop(key, None) if row is None else rows.get(key)
        if row is not None:
            rows[key] = row
        self._weight += _weight(row) - _weight(old)
        for (of, columns), groups in self._groups.items():
            if of == table:
                if old is not None:
                    groups.get(_values(old, columns), set()).discard(key)
                if row is not None:
                    groups.setdefault(_values(row, columns), set()).add(key)
        self._sorted.pop(table, None)
        for place in [place for place in self._found if place[0] == table]:
            del self._found[place]

    def _matching(self, table: str, match: Row) -> list[Key]:
        """The keys of the rows with these values; by an index, which is made at first use."""
        columns, rows = tuple(sorted(match)), self._rows[table]
        if set(columns) == set(self._keys[table]):
            key = _values(match, self._keys[table])
            return [key] if key in rows else []
        if (table, columns) not in self._groups:
            groups = self._groups[table, columns] = {}
            for key, row in rows.items():
                groups.setdefault(_values(row, columns), set()).add(key)
        return list(self._groups[table, columns].get(_values(match, columns), ()))


def unpacked(row: Row) -> dict[str, Any]:
    """The row as PostgreSQL would give it."""
    return {
        name: orjson.loads(value.json) if isinstance(value, Packed) else value
        for name, value in row.items()
    }


def _packed(columns: Row) -> dict[str, Any]:
    return {name: _kept(value) for name, value in columns.items()}


def _kept(value: Any) -> Any:
    """As PostgreSQL keeps it: enumerations as their value, and U+FFFD in the place of U+0000."""
    if isinstance(value, dict | list | tuple):
        text = orjson.dumps(value)
        return Packed(orjson.dumps(shown(value)) if b"\\u0000" in text else text)
    if isinstance(value, Enum):
        value = value.value
    return shown(value)


def _values(row: Row, columns: Iterable[str]) -> Key:
    return tuple(row[column] for column in columns)


def _position(row: Row) -> int:
    return int(row["position"])


def _weight(row: Row | None) -> int:
    if row is None:
        return 0
    return WEIGHT_OF_A_ROW + sum(
        len(value.json) for value in row.values() if isinstance(value, Packed)
    )
