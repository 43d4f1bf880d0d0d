"""Asking for one thing, now or as it was, after what one has written oneself.

What is not here, or another tenant's, is null where the field may be null.
"""

import unicodedata
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import strawberry
from graphql import FieldNode, FragmentSpreadNode

from application.as_of import holder_of, past_of, position_of
from application.pasts import TenantPast
from application.ports.event_log import Moment as PastMoment
from domain.refusal import invalid
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.node import parsed_id
from interfaces.graphql.scalars import BigInt

R = TypeVar("R", contravariant=True)
T = TypeVar("T", covariant=True)

_VIEW_OF_FIELD = {
    "jobs": "jobs",
    "benchmark": "benchmarks",
    "benchmarks": "benchmarks",
    "devices": "devices",
    "updates": "updates",
    "updateCounts": "updates",
    "update": "updates",
    "installedBy": "rollouts",
    "release": "rollouts",
    "certificates": "device_certificates",
    "commands": "device_commands",
}


@strawberry.input(description="A moment of the past: exactly one of position and time.")
class Moment:
    position: BigInt | None = None
    time: datetime | None = None


class Shown(Protocol[R, T]):
    """A type that is made from a row."""

    def of(self, row: R, rows: Batched, /) -> T: ...


async def waited(info: Info, position: int | None, *views: str) -> None:
    """Waits until these views, and those of the fields asked for, have reached the position."""
    if position is None:
        return
    if read := {*views, *views_of(info)}:
        await info.context.waiter.wait_for(position, read)


async def moment_of(info: Info, moment: Moment | None, field: str = "asOf") -> int | None:
    """The position that a moment stands for; None for now. Raises Refusal naming the field."""
    if moment is None:
        return None
    context, at = info.context, PastMoment(moment.position, moment.time)
    return await position_of(context.present.reads, context.reads, at, field)


async def rows_at(info: Info, moment: Moment | None) -> Batched:
    """The caller's tenant as it is, or all of it as it was."""
    until = await moment_of(info, moment)
    return info.context.present if until is None else all_at(info, until)


def all_at(info: Info, until: int) -> Batched:
    """All of the caller's tenant as it was at a position."""
    context = info.context
    past = TenantPast(context.pasts, context.present.reads, context.tenant_id, until)
    return Batched(past, until)


async def stream_at(info: Info, stream: UUID, moment: Moment | None) -> Batched:
    """One object, and what hangs on it, as it is or was."""
    until = await moment_of(info, moment)
    if until is None:
        return info.context.present
    # A model's jobs are looked up in the live tables, which must have come so far.
    await waited(info, until)
    return Batched(await past_of(info.context.present.reads, stream, until), until)


async def read_of(
    info: Info,
    shown: Shown[Any, T],
    row_class: type[Any],
    id: UUID,
    moment: Moment | None = None,
    stream: UUID | None = None,
) -> T | None:
    """The object now, or as it was; None where it is not, or was not then. `stream` is where its
    events are, if not under its own id."""
    rows = await stream_at(info, stream or id, moment)
    row = await rows.one(row_class, id)
    return None if row is None else shown.of(row, rows)


async def id_or_named(
    info: Info,
    type_name: str,
    row_class: type[Any],
    id: str | None,
    name: str | None,
    moment: Moment | None = None,
) -> UUID | None:
    """The id that was given, or that of the thing that has the name, or had it."""
    if (id is None) == (name is None):
        raise invalid("id", "Give either an id or a name.")
    if id is not None:
        return parsed_id(type_name, id, "id")
    assert name is not None
    wanted = unicodedata.normalize("NFC", checked_text("name", name))
    until = await moment_of(info, moment)
    rows: Batched = info.context.present
    if until is not None:
        tenant_id, reads = info.context.tenant_id, info.context.present.reads
        holder = await holder_of(reads, tenant_id, type_name.lower(), wanted, until)
        if holder is None:
            return None
        rows = Batched(await past_of(reads, holder, until), until)
    found = await rows.rows.find(row_class, "name", [wanted])
    return UUID(str(found[0].id)) if found else None


def checked_text(field: str, text: str) -> str:
    """A text to search for. PostgreSQL keeps no NUL and UTF-8 no lone surrogate."""
    if len(text) > 200 or "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise invalid(field, "Give up to 200 characters, none of them U+0000 or a surrogate.")
    return text


def views_of(info: Info) -> set[str]:
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
