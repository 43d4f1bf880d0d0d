"""The SQL of reading rows: one table a row class, pages by position, deleted things left out."""

from dataclasses import fields
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from application.ports.reads import Paging, Where
from application.views.row_tables import GONE, TABLES

Statement = tuple[sql.Composed, dict[str, Any]]


def find_sql(row_class: type[Any], column: str) -> sql.Composed:
    """Takes `values`."""
    return sql.SQL("SELECT {} FROM {} WHERE {} AND {} = ANY(%(values)s)").format(
        _columns(row_class), _table(row_class), _live(row_class), sql.Identifier(column)
    )


def count_sql(row_class: type[Any], where: Where) -> Statement:
    conditions, values = _conditions(row_class, where)
    statement = sql.SQL("SELECT count(*) AS count FROM {} WHERE {}")
    return statement.format(_table(row_class), conditions), values


def counts_sql(row_class: type[Any], column: str, by: str) -> sql.Composed:
    """Takes `keys`, which are UUIDs."""
    statement = sql.SQL(
        "SELECT {key} AS key, {by} AS value, count(*) AS count FROM {table}"
        " WHERE {live} AND {key} = ANY(%(keys)s::uuid[]) GROUP BY {key}, {by}"
    )
    return statement.format(
        key=sql.Identifier(column),
        by=sql.Identifier(by),
        table=_table(row_class),
        live=_live(row_class),
    )


def page_sql(row_class: type[Any], where: Where, paging: Paging) -> Statement:
    """One row more than the page has, read from the end where the page begins."""
    return _page(row_class, sql.SQL("true"), where, paging)


def pages_sql(row_class: type[Any], column: str, where: Where, paging: Paging) -> Statement:
    """The same for each of `keys`, which are UUIDs."""
    mine = sql.SQL("{} = k.key").format(sql.Identifier(column))
    page, values = _page(row_class, mine, where, paging)
    statement = sql.SQL(
        "SELECT page.* FROM unnest(%(keys)s::uuid[]) AS k (key) CROSS JOIN LATERAL ({}) AS page"
    )
    return statement.format(page), values


def where_sql(row_class: type[Any], where: Where) -> tuple[sql.Composable, dict[str, Any]]:
    """The condition alone, and the values that it takes."""
    return _conditions(row_class, where)


def _page(row_class: type[Any], mine: sql.Composable, where: Where, paging: Paging) -> Statement:
    conditions, values = _conditions(row_class, where)
    bounds = [mine, conditions]
    if paging.after is not None:
        bounds.append(sql.SQL("position < %(after)s"))
    if paging.before is not None:
        bounds.append(sql.SQL("position > %(before)s"))
    statement = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY position {} LIMIT %(limit)s").format(
        _columns(row_class),
        _table(row_class),
        sql.SQL(" AND ").join(bounds),
        sql.SQL("ASC" if paging.backward else "DESC"),
    )
    places = {"after": paging.after, "before": paging.before, "limit": paging.count + 1}
    return statement, {**values, **places}


def _conditions(row_class: type[Any], where: Where) -> tuple[sql.Composable, dict[str, Any]]:
    parts: list[sql.Composable] = [_live(row_class)]
    values: dict[str, Any] = {}
    for column, value in where.equal:
        if value is None:
            parts.append(sql.SQL("{} IS NULL").format(sql.Identifier(column)))
            continue
        values[f"equal_{column}"] = value
        place = sql.Placeholder(f"equal_{column}")
        parts.append(sql.SQL("{} = {}").format(sql.Identifier(column), place))
    for column, text in where.containing:
        values[f"containing_{column}"] = text
        place = sql.Placeholder(f"containing_{column}")
        contains = sql.SQL("strpos(lower({}), lower({})) > 0")
        parts.append(contains.format(sql.Identifier(column), place))
    for column, members in where.having:
        values[f"having_{column}"] = Jsonb(dict(members))
        place = sql.Placeholder(f"having_{column}")
        parts.append(sql.SQL("{} @> {}").format(sql.Identifier(column), place))
    filled = sql.SQL("{} IS NOT NULL")
    parts += [filled.format(sql.Identifier(column)) for column in where.filled]
    for column, moment in where.after:
        values[f"after_{column}"] = moment
        place = sql.Placeholder(f"after_{column}")
        parts.append(sql.SQL("{} > {}").format(sql.Identifier(column), place))
    for column, moment in where.not_after:
        values[f"not_after_{column}"] = moment
        place = sql.Placeholder(f"not_after_{column}")
        parts.append(sql.SQL("{} <= {}").format(sql.Identifier(column), place))
    return sql.SQL(" AND ").join(parts), values


def _live(row_class: type[Any]) -> sql.Composable:
    mark = GONE.get(TABLES[row_class])
    if mark is None:
        return sql.SQL("true")
    return sql.SQL("{} <> {}").format(sql.Identifier(mark[0]), sql.Literal(mark[1]))


def _table(row_class: type[Any]) -> sql.Identifier:
    return sql.Identifier(TABLES[row_class])


def _columns(row_class: type[Any]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(field.name) for field in fields(row_class))
