"""Strawberry's field decorators, with types that survive them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import strawberry
from strawberry.extensions.field_extension import AsyncExtensionResolver, FieldExtension

from domain.refusal import Refusal, RefusalCode
from interfaces.graphql.context import Info

F = TypeVar("F", bound=Callable[..., Any])


def field(
    description: str | None = None, extensions: Sequence[FieldExtension] = ()
) -> Callable[[F], F]:
    """A field with a resolver."""
    decorate: Callable[[F], F] = strawberry.field(
        description=description, extensions=list(extensions)
    )
    return decorate


def subscription(description: str | None = None) -> Callable[[F], F]:
    """A subscription."""
    decorate: Callable[[F], F] = strawberry.subscription(description=description)
    return decorate


class NullWhenMissing(FieldExtension):
    """Answers null where the id names nothing here."""

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: Info, **kwargs: Any
    ) -> Any:
        try:
            return await next_(source, info, **kwargs)
        except Refusal as refusal:
            if refusal.code is RefusalCode.NOT_FOUND:
                return None
            raise


def nullable(description: str | None = None) -> Callable[[F], F]:
    """A field that is null where its id names nothing here."""
    return field(description, [NullWhenMissing()])
