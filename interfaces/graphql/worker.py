"""Who carries out jobs: every worker as it announced itself."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from application.jobs.capability import kinds_in
from application.ports.workers import WorkerRow
from domain.principal import Role
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field


@strawberry.type(
    description="A process that carries out jobs. `silent` has not been seen for 20 s: its jobs are"
    " taken over. `host` and `facts` are told to the operator of the installation alone."
)
class Worker:
    id: strawberry.ID
    host: str | None
    kinds: list[str]
    capabilities: list[str]
    facts: JSON | None
    started_at: datetime
    seen_at: datetime
    silent: bool

    @classmethod
    def of(cls, row: WorkerRow, named: str, *, whole: bool) -> "Worker":
        return cls(
            id=strawberry.ID(named),
            host=row.host if whole else None,
            kinds=kinds_in(row.capabilities),
            capabilities=row.capabilities,
            facts=JSON(row.facts) if whole else None,
            started_at=row.started_at,
            seen_at=row.seen_at,
            silent=row.silent,
        )


@strawberry.type
class WorkerQuery:
    @field("The workers, for owners and for the operator of the installation.")
    async def workers(self, info: Info) -> list[Worker]:
        caller = info.context.caller
        if not caller.platform:
            caller.require(Role.OWNER)
        found = await info.context.reads.workers()
        return [
            # The id names the host and the process: an owner sees a number in its place.
            Worker.of(row, row.id if caller.platform else str(number), whole=caller.platform)
            for number, row in enumerate(found, 1)
        ]
