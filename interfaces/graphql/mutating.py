"""Carrying out a mutation: one command on a thread, then the object as reads show it.

A refusal becomes `userErrors`, its field spelled as the mutation's argument. Where the projection
lags longer than 5 s, the object is folded from its events: what was accepted is always shown.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import anyio.to_thread
import strawberry
from strawberry.extensions.field_extension import AsyncExtensionResolver, FieldExtension

from application.as_of import past_of
from application.commands.command import Request
from application.platform import Platform
from domain.refusal import Refusal, RefusalCode
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.errors import UserError, user_error
from interfaces.graphql.fields import field
from interfaces.graphql.reading import Shown, views_of
from interfaces.graphql.scalars import BigInt
from interfaces.graphql.spelling import spelled

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


@strawberry.interface(description="What every mutation answers.")
class Payload:
    event_position: BigInt | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)


class AsUserErrors(FieldExtension):
    """Turns a refusal into the payload that says so."""

    def __init__(self, payload: type[Payload]) -> None:
        self._payload = payload

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: Info, **kwargs: Any
    ) -> Any:
        try:
            return await next_(source, info, **kwargs)
        except Refusal as refusal:
            error, raw = user_error(refusal), info._raw_info
            error.field = spelled(error.field, raw.parent_type.fields[raw.field_name].args)
            return self._payload(user_errors=[error])


def mutation(payload: type[Payload], description: str | None = None) -> Callable[[F], F]:
    """A mutation field that answers with this payload."""
    return field(description, [AsUserErrors(payload)])


async def carry_out(
    info: Info,
    command: Callable[Concatenate[Platform, Request, P], T],
    key: str | None = None,
    /,
    *args: P.args,
    **inputs: P.kwargs,
) -> T:
    """Runs a command on one of the command threads."""
    context = info.context
    request = Request(
        context.caller, id=context.request_id, idempotency_key=key, act=info.field_name
    )
    work = partial(command, context.platform, request, *args, **inputs)
    return await anyio.to_thread.run_sync(work, limiter=context.limiter)


async def shown_after(
    info: Info,
    position: int,
    shown: Shown[Any, T],
    row_class: type[Any],
    id: UUID,
    view: str,
    stream: UUID | None = None,
) -> T | None:
    """The object as the change left it: from the live tables once its view and those of the fields
    asked for have come so far, else folded from its own events. None where it is gone. `stream` is
    where its events are, if not under its own id."""
    rows: Batched = info.context.present
    if not await caught_up(info, position, view, *views_of(info)):
        past = await past_of(info.context.present.reads, stream or id, position)
        rows = Batched(past, position)
    row = await rows.one(row_class, id)
    return None if row is None else shown.of(row, rows)


async def caught_up(info: Info, position: int, *views: str) -> bool:
    try:
        await info.context.waiter.reached(position, views)
    except Refusal as refusal:
        if refusal.code is RefusalCode.PROJECTION_LAGGING:
            return False
        raise
    return True
