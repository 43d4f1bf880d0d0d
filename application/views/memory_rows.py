"""Rows out of tables in memory, answered as PostgreSQL answers: same filters, order and pages."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, cast

import orjson

from application.ports.reads import Page, Paging, Where, page_of
from application.views.memory_tables import MemoryTables, Packed, Row, unpacked
from application.views.row_tables import TABLES, is_gone

R = TypeVar("R")
K = TypeVar("K")


class MemoryRows:
    """`application.ports.reads.Rows` without waiting. `with_deleted` shows also what is gone."""

    def __init__(self, tables: MemoryTables, *, with_deleted: bool = False) -> None:
        self._tables, self._with_deleted = tables, with_deleted

    def find(self, row_class: type[R], column: str, values: Collection[Any]) -> list[R]:
        table = TABLES[row_class]
        found = [
            row
            for value in dict.fromkeys(values)
            for row in self._seen(table, self._tables.having(table, column, value))
        ]
        return [_typed(row_class, row) for row in found]

    def page(self, row_class: type[R], where: Where, paging: Paging) -> Page[R]:
        table = TABLES[row_class]
        return self._page(row_class, self._candidates(table, where), where, paging)

    def pages(
        self, row_class: type[R], column: str, keys: Collection[K], where: Where, paging: Paging
    ) -> Mapping[K, Page[R]]:
        table = TABLES[row_class]
        return {
            key: self._page(row_class, self._tables.having(table, column, key), where, paging)
            for key in keys
        }

    def count(self, row_class: type[Any], where: Where) -> int:
        table = TABLES[row_class]
        rows = self._seen(table, self._candidates(table, where))
        return sum(_matches(row, where) for row in rows)

    def counts(
        self, row_class: type[Any], column: str, keys: Collection[K], by: str
    ) -> Mapping[K, Mapping[Any, int]]:
        table = TABLES[row_class]
        return {
            key: Counter(
                row[by] for row in self._seen(table, self._tables.having(table, column, key))
            )
            for key in keys
        }

    def _candidates(self, table: str, where: Where) -> Sequence[Row]:
        """The rows with the first of the wanted values: an index keeps a small part small."""
        if where.equal:
            return self._tables.having(table, *where.equal[0])
        return self._tables.newest_first(table)

    def _page(
        self, row_class: type[R], rows: Sequence[Row], where: Where, paging: Paging
    ) -> Page[R]:
        """Looks no further than one row beyond the page."""
        inside = (
            row
            for row in self._seen(TABLES[row_class], reversed(rows) if paging.backward else rows)
            if (paging.after is None or row["position"] < paging.after)
            and (paging.before is None or row["position"] > paging.before)
            and _matches(row, where)
        )
        found: list[R] = []
        for row in inside:
            found.append(_typed(row_class, row))
            if len(found) > paging.count:
                break
        return page_of(found, paging)

    def _seen(self, table: str, rows: Iterable[Row]) -> Iterable[Row]:
        return (row for row in rows if self._with_deleted or not is_gone(table, row))


@cache
def _columns(row_class: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(row_class))


def _typed(row_class: type[R], row: Row) -> R:
    return row_class(**unpacked({name: row[name] for name in _columns(cast("Any", row_class))}))


def _matches(row: Row, where: Where) -> bool:
    return (
        all(row[column] == value for column, value in where.equal)
        and all(text.lower() in str(row[column]).lower() for column, text in where.containing)
        and all(_has(row[column], members) for column, members in where.having)
        and all(row[column] is not None for column in where.filled)
        and all(row[column] > moment for column, moment in where.after)
        and all(row[column] <= moment for column, moment in where.not_after)
    )


def _has(packed: Packed, members: tuple[tuple[str, str], ...]) -> bool:
    held = orjson.loads(packed.json)
    return all(held.get(name) == value for name, value in members)
