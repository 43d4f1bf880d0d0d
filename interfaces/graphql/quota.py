"""Quotas: what the plan allows of each kind in the current period, and what was spent on what."""

from datetime import datetime

import strawberry

from application.ports.reads import Where
from application.views.quota import QuotaUnitRow
from application.views.tenant import TenantRow
from domain.plan import LIMITS, Plan, QuotaKind
from domain.quota import Quota as QuotaStream
from domain.quota import period_of, resets_at
from domain.refusal import not_found
from interfaces.graphql.batching import Present
from interfaces.graphql.context import Info
from interfaces.graphql.event import Event
from interfaces.graphql.fields import field
from interfaces.graphql.node import bare_id
from interfaces.graphql.paging import Connection, checked_paging, connection_of
from interfaces.graphql.reading import waited
from interfaces.graphql.scalars import BigInt


@strawberry.type(description="One unit: the model or job it was spent on, and by which event.")
class QuotaUnit:
    row: strawberry.Private[QuotaUnitRow]
    present: strawberry.Private[Present]
    subject: strawberry.ID
    spent_at: datetime
    returned_at: datetime | None
    returned_reason: str | None

    @classmethod
    def of(cls, row: QuotaUnitRow, present: Present) -> "QuotaUnit":
        return cls(
            row=row,
            present=present,
            subject=bare_id(row.subject),
            spent_at=row.spent_at,
            returned_at=row.returned_at,
            returned_reason=row.returned_reason,
        )

    @field()
    async def spent_by(self) -> Event | None:
        row = await self.present.event(self.row.spent_by)
        return None if row is None else Event.of(row)


@strawberry.type(description="`limit` null is unlimited; `resetsAt` null never resets.")
class Quota:
    present: strawberry.Private[Present]
    where: strawberry.Private[Where]
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
        page = await self.present.rows.page(QuotaUnitRow, self.where, paging)
        return connection_of(page, lambda row: QuotaUnit.of(row, self.present))


@strawberry.type
class QuotaQuery:
    @field("One of each kind, in its current period.")
    async def quotas(self, info: Info, wait_for: BigInt | None = None) -> list[Quota]:
        await waited(info, wait_for, "quotas", "tenants")
        context = info.context
        tenant = await context.present.one(TenantRow, context.tenant_id)
        if tenant is None:
            raise not_found("tenant")
        return [await _quota(info, kind, Plan(tenant.plan)) for kind in QuotaKind]


async def _quota(info: Info, kind: QuotaKind, plan: Plan) -> Quota:
    context, present = info.context, info.context.present
    period = period_of(kind, context.platform.now())
    stream = QuotaStream.id_of(context.tenant_id, kind, period)
    where = Where((("quota_id", stream),))
    in_use = Where((*where.equal, ("returned_at", None)))
    return Quota(
        present=present,
        where=where,
        kind=kind.value,
        period=period,
        used=await present.rows.count(QuotaUnitRow, in_use),
        limit=LIMITS[plan].of(kind),
        resets_at=resets_at(period),
    )
