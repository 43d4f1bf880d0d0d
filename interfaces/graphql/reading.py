"""Asking for one thing, now or as it was, after what one has written oneself.

What is not here, or another tenant's, is null where the field may be null.
"""

import unicodedata
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import strawberry
from graphql import FieldNode, FragmentSpreadNode

from application.as_of import past_of
from application.ports.event_log import Moment as PastMoment
from domain.refusal import invalid
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.node import parsed_id
from interfaces.graphql.scalars import BigInt

R = TypeVar("R", contravariant=True)
T = TypeVar("T", covariant=True)

_VIEW_OF_FIELD = {"jobs": "jobs", "benchmark": "benchmarks", "benchmarks": "benchmarks"}


@strawberry.input(description="A moment of the past: exactly one of position and time.")
class Moment:
    position: BigInt | None = None
    time: datetime | None = None


class Shown(Protocol[R, T]):
    """A type that is made from a row."""

    def of(self, row: R, rows: Batched, /) -> T: ...


async def waited(info: Info, position: int | None, *views: str) -> None:
    """Waits until these views, and those of the fields asked for, have reached the position."""
    if position is not None:
        read = {*views, *_views_of(info)}
        await info.context.waiter.wait_for(position, read)


async def read_of(
    info: Info, shown: Shown[Any, T], row_class: type[Any], id: UUID, moment: Moment | None = None
) -> T | None:
    """The object now, or as it was; None where it is not, or was not then."""
    rows: Batched = info.context.present
    if moment is not None:
        at = PastMoment(moment.position, moment.time)
        rows = Batched(await past_of(info.context.present.reads, id, at))
    row = await rows.one(row_class, id)
    return None if row is None else shown.of(row, rows)


async def id_or_named(
    info: Info, type_name: str, row_class: type[Any], id: str | None, name: str | None
) -> UUID | None:
    """The id that was given, or that of the thing that has the name now."""
    if (id is None) == (name is None):
        raise invalid("id", "Give either an id or a name.")
    if id is not None:
        return parsed_id(type_name, id, "id")
    assert name is not None
    wanted = unicodedata.normalize("NFC", checked_text("name", name))
    found = await info.context.present.rows.find(row_class, "name", [wanted])
    return UUID(str(found[0].id)) if found else None


def checked_text(field: str, text: str) -> str:
    """A text to search for. PostgreSQL keeps no NUL and UTF-8 no lone surrogate."""
    if len(text) > 200 or "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise invalid(field, "Give up to 200 characters, none of them U+0000 or a surrogate.")
    return text


def _views_of(info: Info) -> set[str]:
    """By the names of the fields asked for; a fragment is looked at once, however often it is
    spread."""
    raw, found, seen = info._raw_info, set(), set()
    open_sets = [node.selection_set for node in raw.field_nodes]
    while open_sets:
        selected = open_sets.pop()
        for selection in selected.selections if selected else ():
            if isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if name not in seen:
                    seen.add(name)
                    open_sets.append(raw.fragments[name].selection_set)
                continue
            if isinstance(selection, FieldNode) and selection.name.value in _VIEW_OF_FIELD:
                found.add(_VIEW_OF_FIELD[selection.name.value])
            open_sets.append(getattr(selection, "selection_set", None))
    return found
