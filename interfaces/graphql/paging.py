"""Connections: Relay's `first`/`after` and `last`/`before`, one of which is mandatory, 1 to 100.

Lists are newest first. A cursor is the base64 of a position and means nothing to a client.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import strawberry

from application.ports.reads import Page, Paging
from domain.refusal import invalid

T = TypeVar("T")

MOST = 100
LARGEST_POSITION = 2**63 - 1


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    cursor: str
    node: T


@strawberry.type
class Connection(Generic[T]):
    edges: list[Edge[T]]
    nodes: list[T]
    page_info: PageInfo


def checked_paging(
    first: int | None, last: int | None, after: str | None, before: str | None
) -> Paging:
    """Raises Refusal(INVALID) naming the argument at fault."""
    if first is None and last is None:
        raise invalid("first", f"Give first or last, from 1 to {MOST}.")
    if first is not None and last is not None:
        raise invalid("last", "Give first or last, not both.")
    name, count = ("first", first) if first is not None else ("last", last)
    assert count is not None
    return Paging(
        count=checked_count(name, count),
        backward=last is not None,
        after=_position("after", after),
        before=_position("before", before),
    )


def checked_count(name: str, count: int) -> int:
    if not 1 <= count <= MOST:
        raise invalid(name, f"`{name}` is from 1 to {MOST}; {count} is not.")
    return count


def cursor_of(position: int) -> str:
    return binascii.b2a_base64(b"p%d" % position, newline=False).decode()


def connection_of(page: Page[Any], shown: Callable[[Any], T]) -> Connection[T]:
    """The connection of a page of rows; `shown` makes a row what clients see."""
    cursors = [cursor_of(row.position) for row in page.rows]
    nodes = [shown(row) for row in page.rows]
    return Connection(
        edges=[Edge(cursor=c, node=n) for c, n in zip(cursors, nodes, strict=True)],
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        ),
    )


def _position(name: str, cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor[:60].encode(), validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    digits = text[1:]
    known = text[:1] == "p" and digits.isascii() and digits.isdigit() and len(cursor) <= 60
    if not known or int(digits) > LARGEST_POSITION:
        raise invalid(name, "This is not a cursor. Give one that this list has given.")
    return int(digits)
