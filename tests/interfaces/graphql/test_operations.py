"""An operation that streams pays as any other, and every operation has its time."""

import asyncio
from dataclasses import replace
from typing import Any, Never

import pytest
from strawberry import Schema

from application.waiting import Waiter
from domain.plan import ALLOWANCES, Allowance, Plan
from infrastructure.buckets.memory import MemoryBuckets
from interfaces.graphql import executor
from interfaces.graphql.context import Context
from interfaces.graphql.spending import Spending
from tests.interfaces.graphql.client import Client

WAITING = "query { models(first: 1, waitFor: 1) { nodes { id } } }"


async def streamed(schema: Schema, context: Context, query: str, **variables: Any) -> list[Any]:
    """All results, as a WebSocket would send them."""
    stream = await schema.stream(query, variables, context)
    return [result async for result in stream]


async def test_operations_on_a_connection_are_paid_for(
    ours: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ALLOWANCES, Plan.STARTER, Allowance(20, 1, 20))
    spending = Spending(MemoryBuckets(), ours.context.reads)
    context = replace(ours.context, spending=spending)
    subscription = "subscription { eventsAppended(after: 0) { position } }"
    stream = await ours.schema.stream(subscription, None, context)
    result = await anext(aiter(stream))
    await stream.aclose()  # type: ignore[attr-defined]
    assert result.extensions["cost"]["requested"] == 11
    (refused,) = await streamed(ours.schema, context, subscription)
    assert refused.errors[0].extensions["code"] == "RATE_LIMITED"


async def test_an_operation_has_its_time_and_no_more(
    ours: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forever(self: Waiter, *arguments: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Waiter, "wait_for", forever)
    monkeypatch.setattr(executor, "DEADLINE", 0.05)
    asked = await ours.ask(WAITING)
    assert asked.data is None
    assert asked.code == "TIMED_OUT"


class _AwayBuckets:
    """Implements `application.ports.buckets.Buckets` on a store that is away."""

    async def take(self, *_: object, **__: object) -> Never:
        raise OSError("connection to 10.0.0.7 failed: the password is hunter2")


async def test_what_breaks_before_an_operation_runs_is_masked_too(ours: Client) -> None:
    context = ours.context
    context.spending = Spending(_AwayBuckets(), context.reads)
    asked = await ours.ask("{ viewer { role } }")
    assert asked.code == "INTERNAL"
    assert "hunter2" not in str(asked.errors)
