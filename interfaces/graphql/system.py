"""How the platform is: how far each view and policy has followed the log, and what stopped it."""

from datetime import datetime

import strawberry

from interfaces.graphql.context import Info
from interfaces.graphql.fields import field
from interfaces.graphql.scalars import BigInt


@strawberry.type(description="`lag` counts positions, which have gaps; 0 is up to date.")
class Follower:
    name: str
    position: BigInt
    lag: BigInt
    stopped_position: BigInt | None
    stopped_topic: str | None
    stopped_error: str | None
    stopped_since: datetime | None


@strawberry.type(description="`head` is the position of the newest event that you can see.")
class SystemStatus:
    version: str
    environment: str
    head: BigInt
    followers: list[Follower]


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
            followers=[
                Follower(
                    name=row.name,
                    position=BigInt(row.position),
                    lag=BigInt(max(0, head - row.position)),
                    stopped_position=_position(row.stopped_position),
                    stopped_topic=row.stopped_topic,
                    stopped_error=_told(info, row.stopped_error),
                    stopped_since=row.stopped_since,
                )
                for row in await context.reads.followers()
            ],
        )


def _position(position: int | None) -> BigInt | None:
    return None if position is None else BigInt(position)


def _told(info: Info, error: str | None) -> str | None:
    """The error may quote another tenant's event: its text is for the operator alone."""
    if error is None or info.context.caller.platform:
        return error
    return "A view has stopped. The operator of this installation sees the reason."
