"""Tenants, who asks in them, their feature flags and their API keys."""

from datetime import datetime
from functools import partial
from uuid import UUID

import anyio.to_thread
import strawberry

from application.ports.reads import EVERYTHING
from application.views.tenant import ApiKeyRow, TenantRow
from domain.flag import Flag
from domain.plan import LIMITS, Plan
from domain.principal import Role
from domain.refusal import not_found
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field
from interfaces.graphql.node import Node, global_id
from interfaces.graphql.owner import require_owner
from interfaces.graphql.paging import Connection, checked_paging, connection_of
from interfaces.graphql.reading import Moment, read_of, stream_at, waited
from interfaces.graphql.scalars import BigInt

strawberry.enum(Plan)
strawberry.enum(Role)


@strawberry.type(description="What the plan allows; null is unlimited.")
class Limits:
    models: int | None
    optimizations: int | None
    benchmarks: int | None
    largest_model_bytes: BigInt


@strawberry.type(description="An organization.")
class Tenant(Node):
    name: str
    plan: Plan
    created_at: datetime
    limits: Limits

    @classmethod
    def of(cls, row: TenantRow, rows: Batched) -> "Tenant":
        limits = LIMITS[Plan(row.plan)]
        return cls(
            id=global_id("Tenant", row.id),
            name=row.name,
            plan=Plan(row.plan),
            created_at=row.created_at,
            limits=Limits(
                models=limits.models,
                optimizations=limits.optimizations,
                benchmarks=limits.benchmarks,
                largest_model_bytes=BigInt(limits.largest_model_bytes),
            ),
        )


@strawberry.type(description="A key by its label; its secret was shown once, when it was issued.")
class ApiKey(Node):
    label: str
    role: Role
    platform: bool
    created_at: datetime
    created_by: str
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: ApiKeyRow, rows: Batched) -> "ApiKey":
        return cls(
            id=global_id("ApiKey", row.id),
            label=row.label,
            role=Role(row.role),
            platform=row.platform,
            created_at=row.created_at,
            created_by=row.created_by,
            revoked_at=row.revoked_at,
        )


@strawberry.type(description="Whether a part of Edgewise is switched on here.")
class FeatureFlag:
    name: str
    enabled: bool


@strawberry.type(description="Who asks; `asOf` is for the tenant, flags are those of now.")
class Viewer:
    tenant_id: strawberry.Private[UUID]
    as_of: strawberry.Private[Moment | None]
    actor: str
    role: Role
    platform: bool

    @field()
    async def tenant(self, info: Info) -> Tenant:
        tenant = await read_of(info, Tenant, TenantRow, self.tenant_id, self.as_of)
        if tenant is None:
            raise not_found("tenant", "asOf" if self.as_of else "id")
        return tenant

    @field()
    async def flags(self, info: Info) -> list[FeatureFlag]:
        context = info.context

        def ask() -> list[FeatureFlag]:
            enabled = partial(context.platform.flags.enabled, tenant_id=self.tenant_id)
            return [FeatureFlag(name=flag.value, enabled=enabled(flag)) for flag in Flag]

        return await anyio.to_thread.run_sync(ask, limiter=context.limiter)


@strawberry.type
class TenantQuery:
    @field()
    async def viewer(self, info: Info, as_of: Moment | None = None) -> Viewer:
        caller = info.context.caller
        return Viewer(
            tenant_id=caller.tenant_id,
            as_of=as_of,
            actor=caller.actor,
            role=caller.role,
            platform=caller.platform,
        )

    @field("Needs the role OWNER.")
    async def api_keys(
        self,
        info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Connection[ApiKey]:
        await require_owner(info)
        paging = checked_paging(first, last, after, before)
        await waited(info, wait_for, "tenants")
        rows = await stream_at(info, info.context.tenant_id, as_of)
        page = await rows.rows.page(ApiKeyRow, EVERYTHING, paging)
        return connection_of(page, lambda row: ApiKey.of(row, rows))
