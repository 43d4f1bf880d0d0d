"""What a list costs the processor: 50 models × 10 fields, through our endpoint and Strawberry's.

Both applications are called as the server calls them (ASGI), with the same body, over the same rows
in memory, so what is measured is reading the request, finding out who asks, executing and writing
the answer. Ours is the whole application as it is served: request log, security headers, key, cost
limit and all. The baseline is `strawberry.Schema` and `strawberry.asgi.GraphQL` as they come, with
resolvers that make the same types from the same rows, and none of those checks.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, redirect_stderr
from datetime import UTC, datetime
from statistics import median
from typing import Any
from uuid import UUID, uuid5

import strawberry
from starlette.applications import Starlette
from starlette.types import Message
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig

from application.ports.reads import Page, Paging, Where
from application.ports.tracing import UNTRACED
from application.views.model import ModelRow
from application.views.tenant import TenantRow
from benchmarks.figure import Figure, Target
from domain.model import ModelStatus, Task
from domain.plan import Plan
from domain.principal import Principal, Role
from infrastructure.buckets.memory import MemoryBuckets
from interfaces.graphql.node import global_id
from interfaces.graphql.scalars import BIG_INT, BigInt
from interfaces.http.app import Api, make_app
from interfaces.logs import configure_logs

NODES, ROUNDS, REQUESTS = 50, 15, 40
TENANT = UUID(int=7)
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)

QUERY = """
query List($first: Int!) {
  models(first: $first) {
    nodes { id name task status versions createdAt createdBy updatedAt position changed }
  }
}"""
BODY = json.dumps({"query": QUERY, "variables": {"first": NODES}}).encode()
HEADERS = {
    "host": "127.0.0.1:8080",
    "authorization": "Bearer ew_benchmark",
    "content-type": "application/json",
    "accept": "application/json",
    "content-length": str(len(BODY)),
}


def measure() -> Iterable[Figure]:
    """CPU time of a request, ours and the baseline's, in turns within one run."""
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        configure_logs(as_json=True)
        ours, baseline = asyncio.run(_measured())
    configure_logs(as_json=False)
    yield Figure(
        name="graphql_list",
        value=round(ours * 1e6, 1),
        unit="µs CPU a request",
        baseline=round(baseline * 1e6, 1),
        ratio=round(baseline / ours, 2),
        against="strawberry.Schema and strawberry.asgi.GraphQL with their defaults",
        target=Target(gate=4.0, aim=8.0),
        note=f"{NODES} nodes x 10 fields, rows from memory; ratio is baseline / ours",
    )


async def _measured() -> tuple[float, float]:
    app, plain = our_app(), strawberrys_app()
    async with app.router.lifespan_context(app):
        theirs = await _asked(plain)
        if await _data(app) != json.loads(theirs)["data"]:
            raise AssertionError("the two applications answer differently")
        for _ in range(REQUESTS):
            await _asked(app)
            await _asked(plain)
        spent: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            for times, target in zip(spent, (app, plain), strict=True):
                began = time.process_time()
                for _ in range(REQUESTS):
                    await _asked(target)
                times.append((time.process_time() - began) / REQUESTS)
    return median(spent[0]), median(spent[1])


async def _data(app: Any) -> Any:
    return json.loads(await _asked(app))["data"]


async def _asked(app: Any) -> bytes:
    """The answer's body; fails unless it is 200."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/graphql", "raw_path": b"/graphql", "root_path": "",
        "query_string": b"", "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 8080),
        "headers": [(name.encode(), value.encode()) for name, value in HEADERS.items()],
    }  # fmt: skip
    waiting: list[Message] = [{"type": "http.request", "body": BODY, "more_body": False}]
    got = bytearray()

    async def receive() -> Message:
        if waiting:
            return waiting.pop()
        await asyncio.Event().wait()  # the client stays
        raise AssertionError("unreachable")

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise AssertionError(f"answered {message['status']}")
        got.extend(message.get("body", b""))

    await app(scope, receive, send)
    return bytes(got)


def rows() -> tuple[ModelRow, ...]:
    """The newest first."""
    return tuple(
        ModelRow(
            id=uuid5(TENANT, str(number)),
            tenant_id=TENANT,
            position=number,
            changed=number + 3,
            name=f"model {number}",
            task="CLASSIFICATION",
            status="ACTIVE",
            versions=number % 5,
            created_at=NOW,
            created_by=f"key:{uuid5(TENANT, 'key')}",
            updated_at=NOW,
        )
        for number in reversed(range(1, NODES + 1))
    )


class _Memory:
    """What the application reads through its ports: rows and a key that need no server."""

    tracing = UNTRACED

    def __init__(self) -> None:
        self._page = Page(rows())
        self._principal = Principal(TENANT, "key:1", Role.VIEWER)
        self._tenant = TenantRow(TENANT, TENANT, "bench", Plan.ENTERPRISE, NOW, 1, 1)

    async def principal(self, secret: str) -> Principal:
        return self._principal

    def subscribe(self, channel: str, callback: object) -> Callable[[], None]:
        return lambda: None

    def within(self, tenant_id: UUID) -> "_Memory":
        return self

    async def find(self, row_class: type[Any], column: str, values: list[Any]) -> list[Any]:
        return [self._tenant]

    async def page(self, row_class: type[ModelRow], where: Where, paging: Paging) -> Page[ModelRow]:
        return self._page


def our_app() -> Starlette:
    """The application as `interfaces.bootstrap` makes it, on memory."""
    memory: Any = _Memory()
    unused: Any = None

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        yield

    return make_app(
        Api(
            platform=memory,
            reads=memory,
            listener=memory,
            links=unused,
            grants=None,
            blobs=unused,
            keys=memory,
            uploads=unused,
            health=unused,
            running=running,
            environment="production",
            buckets=MemoryBuckets(),
            version="0",
        )
    )


@strawberry.type
class PlainModel:
    id: strawberry.ID
    name: str
    task: Task
    status: ModelStatus
    versions: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    position: BigInt
    changed: BigInt


@strawberry.type
class PlainConnection:
    nodes: list[PlainModel]


def strawberrys_app() -> GraphQL[Any, None]:
    """What one gets by following Strawberry's own introduction."""
    kept = rows()

    @strawberry.type
    class Query:
        @strawberry.field
        async def models(self, first: int) -> PlainConnection:
            return PlainConnection(nodes=[_plain(row) for row in kept[:first]])

    schema = strawberry.Schema(Query, config=StrawberryConfig(scalar_map={BigInt: BIG_INT}))
    return GraphQL(schema)


def _plain(row: ModelRow) -> PlainModel:
    return PlainModel(
        id=global_id("Model", row.id),
        name=row.name,
        task=Task(row.task),
        status=ModelStatus(row.status),
        versions=row.versions,
        created_at=row.created_at,
        created_by=row.created_by,
        updated_at=row.updated_at,
        position=BigInt(row.position),
        changed=BigInt(row.changed),
    )
