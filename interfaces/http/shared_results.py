"""Subscriptions that follow alike are executed and encoded once a process, for all who wait.

Alike are those of one tenant, one role and one document, with the same variables but for those that
only say where to begin. Each is told the past by an execution of its own; having caught up, it
joins the shared one. The last 500 results (2 MB at most) are kept: whoever falls behind them
catches up by itself again. A position is told once, whoever tells it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

import orjson
from graphql import (
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    parse,
    visit,
)
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from domain.principal import Principal, Role
from interfaces.graphql.context import Context, Following

KEPT = 500
KEPT_BYTES = 2 * 2**20
WHERE_TO_BEGIN = "after"

Results = AsyncIterator[Any]
Execute = Callable[["Asked", Context], Awaitable[Results]]
Encode = Callable[[ExecutionResult], str]


@dataclass(frozen=True)
class Asked:
    """What a client asks for."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class Alike:
    """What subscriptions have in common that may share their results."""

    tenant_id: UUID
    role: Role
    platform: bool
    query: str
    operation_name: str | None
    variables: bytes

    @classmethod
    def of(cls, asked: Asked, caller: Principal) -> "Alike | None":
        """None where what is asked cannot be told from its text."""
        try:
            kept = _kept_variables(asked.query)
        except GraphQLError:
            return None
        variables = {k: v for k, v in (asked.variables or {}).items() if k in kept}
        return cls(
            caller.tenant_id,
            caller.role,
            caller.platform,
            asked.query,
            asked.operation_name,
            orjson.dumps(variables, option=orjson.OPT_SORT_KEYS),
        )


@lru_cache(maxsize=128)
def _kept_variables(query: str) -> frozenset[str]:
    """The variables that say more than where to begin."""
    found: set[str] = set()
    for definition in parse(query, no_location=True).definitions:
        beginnings: set[int] = set()
        if isinstance(definition, OperationDefinitionNode):
            if definition.operation is OperationType.SUBSCRIPTION:
                beginnings = {
                    id(argument.value)
                    for field in definition.selection_set.selections
                    if isinstance(field, FieldNode)
                    for argument in field.arguments or ()
                    if argument.name.value == WHERE_TO_BEGIN
                }
            for selection in (definition.selection_set, *(definition.directives or ())):
                visit(selection, _Variables(found, beginnings))
        else:
            visit(definition, _Variables(found, beginnings))
    return frozenset(found)


class _Variables(Visitor):
    def __init__(self, found: set[str], beginnings: set[int]) -> None:
        super().__init__()
        self._found, self._beginnings = found, beginnings

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        if id(node) not in self._beginnings:
            self._found.add(node.name.value)


class FellBehind(Exception):
    """What comes next is not kept here any more; it is still in the log. Where the execution broke,
    each goes on `alone`."""

    def __init__(self, alone: bool) -> None:
        super().__init__()
        self.alone = alone


class SharedResults:
    """One execution, and what came of it lately: the results after `start` up to `end`."""

    def __init__(self, start: int) -> None:
        self.start = self.end = start
        self.followers = 0
        self.broken = False
        self.task: asyncio.Task[None] | None = None
        self._results: deque[tuple[int, str]] = deque()
        self._bytes = 0
        self._ended = False
        self._moved = asyncio.Event()

    async def after(self, position: int) -> AsyncGenerator[tuple[int, str]]:
        """The positions and payloads after a position, to the end of the subscription. Raises
        FellBehind."""
        while True:
            moved = self._moved
            if position < self.start or self.broken:
                raise FellBehind(self.broken)
            found: list[tuple[int, str]] = []
            for result in reversed(self._results):
                if result[0] <= position:
                    break
                found.append(result)
            for result in reversed(found):
                yield result
                position = result[0]
            if self._moved is moved:
                if self._ended:
                    return
                await moved.wait()

    async def run(self, results: Results, following: Following, encode: Encode) -> None:
        """Publishes results until they end; what is no result breaks it."""
        try:
            async for result in results:
                ordinary = isinstance(result, ExecutionResult)
                if not ordinary or isinstance(result, PreExecutionError) or result.data is None:
                    self.broken = True
                    return
                assert following.position is not None
                self._publish(following.position, encode(result))
            self._ended = True
        except BaseException:
            self.broken = True
            raise
        finally:
            self._wake()

    def _publish(self, position: int, payload: str) -> None:
        self._results.append((position, payload))
        self._bytes += len(payload)
        self.end = position
        while len(self._results) > KEPT or (self._bytes > KEPT_BYTES and len(self._results) > 1):
            self.start, dropped = self._results.popleft()
            self._bytes -= len(dropped)
        self._wake()

    def _wake(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


class Sharing:
    """What is shared in this process, for as long as anybody follows it."""

    def __init__(self, execute: Execute, encode: Encode) -> None:
        self._execute, self._encode = execute, encode
        self._shared: dict[Alike, SharedResults] = {}

    @asynccontextmanager
    async def joined(
        self, alike: Alike, asked: Asked, context: Context, position: int
    ) -> AsyncIterator[SharedResults]:
        """The results of those who follow alike; begun at this position where nobody does yet."""
        shared = self._shared.get(alike)
        if shared is None or shared.broken:
            shared = self._shared[alike] = SharedResults(position)
            shared.task = asyncio.create_task(self._run(shared, asked, context, position))
        shared.followers += 1
        try:
            yield shared
        finally:
            shared.followers -= 1
            if not shared.followers:
                assert shared.task is not None
                shared.task.cancel()
                if self._shared.get(alike) is shared:
                    del self._shared[alike]

    async def _run(
        self, shared: SharedResults, asked: Asked, context: Context, position: int
    ) -> None:
        own = replace(
            context,
            following=Following(resume=position),
            request_id=f"shared-{uuid4().hex[:12]}",
            spending=None,  # each who joins has paid already
        )
        results: Any = await self._execute(asked, own)
        async with aclosing(results):
            await shared.run(results, own.following, self._encode)
