"""Quotas: what the plan allows of each kind in the current period, and what was spent on what."""

from datetime import datetime
from uuid import UUID

import strawberry

from application.ports.reads import Where
from application.views.quota import QuotaUnitRow
from application.views.tenant import TenantRow
from domain.plan import LIMITS, Plan, QuotaKind
from domain.quota import Quota as QuotaStream
from domain.quota import period_of, resets_at
from domain.refusal import not_found
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.event import Event
from interfaces.graphql.fields import field
from interfaces.graphql.node import bare_id, global_id
from interfaces.graphql.paging import Connection, checked_paging, connection_of
from interfaces.graphql.reading import Moment, rows_at, waited
from interfaces.graphql.scalars import BigInt


@strawberry.type(description="One unit: the model or job it was spent on, and by which event.")
class QuotaUnit:
    row: strawberry.Private[QuotaUnitRow]
    subject: strawberry.ID
    spent_at: datetime
    returned_at: datetime | None
    returned_reason: str | None

    @classmethod
    def of(cls, row: QuotaUnitRow) -> "QuotaUnit":
        return cls(
            row=row,
            subject=bare_id(row.subject),
            spent_at=row.spent_at,
            returned_at=row.returned_at,
            returned_reason=row.returned_reason,
        )

    @field()
    async def spent_by(self, info: Info) -> Event | None:
        row = await info.context.present.event(self.row.spent_by)
        return None if row is None else Event.of(row)


@strawberry.type(description="`limit` null is unlimited; `resetsAt` null never resets.")
class Quota:
    rows: strawberry.Private[Batched]
    where: strawberry.Private[Where]
    id: strawberry.ID
    kind: str
    period: str
    used: int
    limit: int | None
    resets_at: datetime | None

    @field("Every unit, the returned ones too.")
    async def units(
        self,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Connection[QuotaUnit]:
        paging = checked_paging(first, last, after, before)
        page = await self.rows.rows.page(QuotaUnitRow, self.where, paging)
        return connection_of(page, QuotaUnit.of)


@strawberry.type
class QuotaQuery:
    @field("One of each kind, in the period of now or of then; none before the tenant began.")
    async def quotas(
        self, info: Info, as_of: Moment | None = None, wait_for: BigInt | None = None
    ) -> list[Quota]:
        await waited(info, wait_for, "quotas", "tenants")
        rows, context = await rows_at(info, as_of), info.context
        tenant = await rows.one(TenantRow, context.tenant_id)
        if tenant is None and rows.until is None:
            raise not_found("tenant")
        if tenant is None:
            return []
        now = await _time_of(info, as_of, rows.until)
        return [
            await _quota(context.tenant_id, kind, Plan(tenant.plan), rows, now)
            for kind in QuotaKind
        ]


async def _time_of(info: Info, moment: Moment | None, until: int | None) -> datetime:
    """Now, the time that was asked for, or that of the last event up to the position."""
    if moment is not None and moment.time is not None:
        return moment.time
    if until is None:
        return info.context.platform.now()
    return (await info.context.present.reads.story(until - 1, 1, None))[0].recorded_at


async def _quota(
    tenant_id: UUID, kind: QuotaKind, plan: Plan, rows: Batched, now: datetime
) -> Quota:
    period = period_of(kind, now)
    stream = QuotaStream.id_of(tenant_id, kind, period)
    where = Where((("quota_id", stream),))
    in_use = Where((*where.equal, ("returned_at", None)))
    return Quota(
        rows=rows,
        where=where,
        id=global_id("Quota", stream),
        kind=kind.value,
        period=period,
        used=await rows.rows.count(QuotaUnitRow, in_use),
        limit=LIMITS[plan].of(kind),
        resets_at=resets_at(period),
    )
