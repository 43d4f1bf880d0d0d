"""Rollouts: what goes out to whom, in which waves, and what was decided on what evidence."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from application.ports.reads import Paging, Where
from application.views.rollout import RolloutRow, RolloutWaveRow
from application.views.update import UpdateRow
from domain.rollout_plan import MOST_WAVES
from domain.rollout_status import PauseReason, RolloutStatus, WavePhase
from domain.update_state import UpdateState
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.event import EventPage, event_page
from interfaces.graphql.fields import field, nullable
from interfaces.graphql.node import Node, global_id, parsed_id
from interfaces.graphql.paging import Connection, checked_paging, connection_of
from interfaces.graphql.reading import Moment, read_of, rows_at, waited
from interfaces.graphql.rollout_evidence import RolloutEvidence
from interfaces.graphql.scalars import BigInt
from interfaces.graphql.update import Update

strawberry.enum(RolloutStatus)
strawberry.enum(
    WavePhase,
    description="DISPATCHING: offers go out. SOAKING: it is watched for a while. DECIDING: it waits"
    " for more evidence, or for somebody to promote it.",
)
strawberry.enum(
    PauseReason,
    description="BY_HAND; STOP_RULE and HEALTH_GATE: the evidence tells; NO_SUCCESS: not one"
    " device of a wave took it; NOT_PREPARED: the release could not be made ready.",
)


@strawberry.type(description="A wave that has begun. `phase` is null once it was promoted.")
class RolloutWave:
    wave: int
    devices: int
    phase: WavePhase | None
    started_at: datetime
    soak_until: datetime | None
    promoted_at: datetime | None
    promoted_by: str | None
    evidence: RolloutEvidence | None

    @classmethod
    def of(cls, row: RolloutWaveRow) -> "RolloutWave":
        return cls(
            wave=row.wave,
            devices=row.devices,
            phase=None if row.promoted_at else WavePhase(row.phase),
            started_at=row.started_at,
            soak_until=row.soak_until,
            promoted_at=row.promoted_at,
            promoted_by=row.promoted_by,
            evidence=RolloutEvidence.of(row.evidence),
        )


@strawberry.type(description="How many of a rollout's updates are in a state, at this moment.")
class UpdateCount:
    state: UpdateState
    count: int


@strawberry.type(
    description="A release that goes out to devices in waves and stops itself where it does harm."
    " `evidence` is what the newest decision was made on; `reason` and `message` say why it was"
    " paused or taken back."
)
class Rollout(Node):
    row: strawberry.Private[RolloutRow]
    rows: strawberry.Private[Batched]
    name: str
    release: JSON
    release_id: str | None
    target: JSON
    plan: JSON
    author: str
    status: RolloutStatus
    reason: PauseReason | None
    message: str | None
    wave: int
    phase: WavePhase | None
    phase_until: datetime | None
    wave_sizes: list[int]
    watch_until: datetime | None
    evidence: RolloutEvidence | None
    drafted_at: datetime
    approved_at: datetime | None
    approved_by: str | None
    started_at: datetime | None
    ended_at: datetime | None
    updated_at: datetime
    position: BigInt
    changed: BigInt

    @classmethod
    def of(cls, row: RolloutRow, rows: Batched) -> "Rollout":
        return cls(
            row=row,
            rows=rows,
            id=global_id("Rollout", row.id),
            name=row.name,
            release=JSON(row.release),
            release_id=row.release_id,
            target=JSON(row.target),
            plan=JSON(row.plan),
            author=row.author,
            status=RolloutStatus(row.status),
            reason=None if row.reason is None else PauseReason(row.reason),
            message=row.message,
            wave=row.wave,
            phase=None if row.phase is None else WavePhase(row.phase),
            phase_until=row.phase_until,
            wave_sizes=list(row.wave_sizes),
            watch_until=row.watch_until,
            evidence=RolloutEvidence.of(row.evidence),
            drafted_at=row.drafted_at,
            approved_at=row.approved_at,
            approved_by=row.approved_by,
            started_at=row.started_at,
            ended_at=row.ended_at,
            updated_at=row.updated_at,
            position=BigInt(row.position),
            changed=BigInt(row.changed),
        )

    @field("Those that have begun, the first one first.")
    async def waves(self) -> list[RolloutWave]:
        all_of_it = Paging(MOST_WAVES)
        page = await self.rows.page_of(RolloutWaveRow, "rollout_id", self.row.id, all_of_it)
        return [RolloutWave.of(row) for row in reversed(page.rows)]

    @field("Only those states that there are.")
    async def update_counts(self) -> list[UpdateCount]:
        counts = await self.rows.counts_of(UpdateRow, "rollout_id", self.row.id, "state")
        return [
            UpdateCount(state=state, count=counts[state])
            for state in UpdateState
            if state in counts
        ]

    @field("The newest first.")
    async def updates(
        self,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        state: UpdateState | None = None,
        wave: int | None = None,
    ) -> Connection[Update]:
        paging = checked_paging(first, last, after, before)
        given = {"state": state, "wave": wave}
        where = Where(equal=tuple((k, v) for k, v in given.items() if v is not None))
        page = await self.rows.page_of(UpdateRow, "rollout_id", self.row.id, paging, where)
        return connection_of(page, lambda row: Update.of(row, self.rows))

    @field()
    async def events(self, info: Info, first: int, after: BigInt | None = None) -> EventPage:
        return await event_page(info, first, after, self.row.id, self.rows.until)


@strawberry.type
class RolloutQuery:
    @nullable()
    async def rollout(
        self,
        info: Info,
        id: strawberry.ID,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Rollout | None:
        await waited(info, wait_for, "rollouts", "updates")
        return await read_of(info, Rollout, RolloutRow, parsed_id("Rollout", id, "id"), as_of)

    @field()
    async def rollouts(
        self,
        info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        status: RolloutStatus | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Connection[Rollout]:
        paging = checked_paging(first, last, after, before)
        await waited(info, wait_for, "rollouts")
        rows = await rows_at(info, as_of)
        where = Where(equal=(("status", status),)) if status else Where()
        page = await rows.rows.page(RolloutRow, where, paging)
        return connection_of(page, lambda row: Rollout.of(row, rows))
