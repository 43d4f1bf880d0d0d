"""A batch of changes, merged so that each row is written once, and written with `unnest`.

Later updates of a row fold into the earlier insert or update of the same batch. A delete is a
barrier: what came before is written first.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from psycopg import Connection, sql
from psycopg.rows import DictRow

from application.shown import shown
from application.views.view import Change, Columns, Delete, Insert, Update

ColumnTypes = Mapping[str, Mapping[str, str]]

_TYPES = """
SELECT c.relname AS table, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
  AND c.relname = ANY(%s)
"""


def column_types(connection: Connection[DictRow], tables: Iterable[str]) -> ColumnTypes:
    """The SQL type of every column of these tables."""
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(_TYPES, (list(tables),)):
        found.setdefault(row["table"], {})[row["column"]] = row["type"]
    return found


class Batch:
    """Collects changes and writes them in as few statements as their order allows."""

    def __init__(self, keys: Mapping[str, tuple[str, ...]], types: ColumnTypes) -> None:
        self._keys, self._types = keys, types
        self._pending: dict[tuple[str, tuple[Any, ...]], tuple[bool, dict[str, Any]]] = {}

    def add(self, connection: Connection[DictRow], change: Change) -> None:
        if isinstance(change, Update):
            place = self._place(change.table, change.key)
            pending = self._pending.get(place)
            if pending is None:
                self._pending[place] = (False, {**change.key, **change.columns})
            else:
                pending[1].update(change.columns)
        elif isinstance(change, Insert):
            self._pending[self._place(change.table, change.row)] = (True, dict(change.row))
        else:
            self.write(connection)
            _delete(connection, change)

    def _place(self, table: str, columns: Columns) -> tuple[str, tuple[Any, ...]]:
        return table, tuple([columns[name] for name in self._keys[table]])

    def write(self, connection: Connection[DictRow]) -> None:
        """Writes what is pending, in the order in which the rows were first touched."""
        groups: dict[tuple[str, bool, tuple[str, ...]], list[dict[str, Any]]] = {}
        for (table, _), (whole, columns) in self._pending.items():
            groups.setdefault((table, whole, tuple(sorted(columns))), []).append(columns)
        for (table, whole, names), rows in groups.items():
            statement = self._insert(table, names) if whole else self._update(table, names)
            values = [[plain(row[name]) for row in rows] for name in names]
            connection.execute(statement, values)
        self._pending.clear()

    def _unnest(self, table: str, names: tuple[str, ...]) -> sql.Composable:
        arrays = [sql.SQL("%b::{}[]").format(sql.SQL(self._types[table][name])) for name in names]
        return sql.SQL("unnest({})").format(sql.SQL(", ").join(arrays))

    def _insert(self, table: str, names: tuple[str, ...]) -> sql.Composed:
        key = self._keys[table]
        rest = [name for name in names if name not in key]
        return sql.SQL(
            "INSERT INTO {table} ({names}) SELECT * FROM {rows} ON CONFLICT ({key}) DO UPDATE"
            " SET {assignments}"
        ).format(
            table=sql.Identifier(table),
            names=sql.SQL(", ").join(map(sql.Identifier, names)),
            rows=self._unnest(table, names),
            key=sql.SQL(", ").join(map(sql.Identifier, key)),
            assignments=sql.SQL(", ").join(
                sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in rest
            ),
        )

    def _update(self, table: str, names: tuple[str, ...]) -> sql.Composed:
        key = self._keys[table]
        rest = [name for name in names if name not in key]
        return sql.SQL(
            "UPDATE {table} AS t SET {assignments} FROM {rows} AS u ({names}) WHERE {match}"
        ).format(
            table=sql.Identifier(table),
            assignments=sql.SQL(", ").join(
                sql.SQL("{0} = u.{0}").format(sql.Identifier(name)) for name in rest
            ),
            rows=self._unnest(table, names),
            names=sql.SQL(", ").join(map(sql.Identifier, names)),
            match=sql.SQL(" AND ").join(
                sql.SQL("t.{0} = u.{0}").format(sql.Identifier(name)) for name in key
            ),
        )


def _delete(connection: Connection[DictRow], change: Delete) -> None:
    match = sql.SQL(" AND ").join(
        sql.SQL("{} = %s").format(sql.Identifier(name)) for name in change.match
    )
    statement = sql.SQL("DELETE FROM {} WHERE {}").format(sql.Identifier(change.table), match)
    connection.execute(statement, list(change.match.values()))


def plain(value: Any) -> Any:
    """JSON columns travel as text; enumerations as their value."""
    if isinstance(value, dict | list | tuple):
        text = orjson.dumps(value).decode()
        return orjson.dumps(shown(value)).decode() if "\\u0000" in text else text
    return shown(str(value)) if isinstance(value, str) else value
