"""How the platform is: how far each view and policy has followed the log, and what stopped it."""

from datetime import datetime

import strawberry

from application.ports.projections import Standing
from application.ports.reads import FollowerRow
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field
from interfaces.graphql.scalars import BigInt


@strawberry.type(
    description="`lag` counts positions, which have gaps; 0 is up to date. It is measured against "
    "the events that you can see: all of them for the operator of the installation, who alone is "
    "told `lagSeconds`, the age of the oldest event not followed yet."
)
class Follower:
    name: str
    position: BigInt
    lag: BigInt
    lag_seconds: float | None
    stopped_position: BigInt | None
    stopped_topic: str | None
    stopped_error: str | None
    stopped_since: datetime | None


@strawberry.type(description="Work of one kind that waits to be handed to a worker.")
class OutboxKind:
    kind: str
    waiting: int
    oldest_seconds: float


@strawberry.type(
    description="`head` is the position of the newest event that you can see. `outbox` is null for "
    "all but the operator of the installation."
)
class SystemStatus:
    version: str
    environment: str
    head: BigInt
    followers: list[Follower]
    outbox: list[OutboxKind] | None


@strawberry.type
class SystemQuery:
    @field()
    async def system(self, info: Info) -> SystemStatus:
        context = info.context
        head = await context.present.reads.head()
        return SystemStatus(
            version=context.version,
            environment=context.environment,
            head=BigInt(head),
            followers=await _followers(info, head),
            outbox=await _outbox(info),
        )


async def _followers(info: Info, head: int) -> list[Follower]:
    context = info.context
    if context.caller.platform:
        return [
            _follower(info, each, each.lag, each.lag_seconds)
            for each in await context.reads.standing()
        ]
    return [
        _follower(info, row, max(0, head - row.position), None)
        for row in await context.reads.followers()
    ]


def _follower(
    info: Info, row: FollowerRow | Standing, lag: int, lag_seconds: float | None
) -> Follower:
    return Follower(
        name=row.name,
        position=BigInt(row.position),
        lag=BigInt(lag),
        lag_seconds=lag_seconds,
        stopped_position=_position(row.stopped_position),
        stopped_topic=row.stopped_topic,
        stopped_error=_told(info, row.stopped_error),
        stopped_since=row.stopped_since,
    )


async def _outbox(info: Info) -> list[OutboxKind] | None:
    if not info.context.caller.platform:
        return None
    return [
        OutboxKind(kind=each.kind, waiting=each.waiting, oldest_seconds=each.oldest_seconds)
        for each in await info.context.reads.outbox()
    ]


def _position(position: int | None) -> BigInt | None:
    return None if position is None else BigInt(position)


def _told(info: Info, error: str | None) -> str | None:
    """The error may quote another tenant's event: its text is for the operator alone."""
    if error is None or info.context.caller.platform:
        return error
    return "A view has stopped. The operator of this installation sees the reason."
