"""Mutations on tenants and API keys. What concerns other tenants is the operator's alone, and is
read back inside that tenant."""

from uuid import UUID

import strawberry

from application.commands.tenant import (
    change_plan,
    issue_key,
    register_tenant,
    revoke_key,
    set_flag,
)
from application.views.tenant import ApiKeyRow, TenantRow
from domain.flag import Flag
from domain.plan import Plan
from domain.principal import Role
from domain.refusal import invalid, not_found
from interfaces.graphql.batching import Present
from interfaces.graphql.context import Info
from interfaces.graphql.mutating import Payload, carry_out, caught_up, mutation
from interfaces.graphql.node import parsed_id
from interfaces.graphql.scalars import BigInt
from interfaces.graphql.tenant import ApiKey, Tenant


@strawberry.type
class TenantPayload(Payload):
    tenant: Tenant | None = None


@strawberry.type(description="`secret` is shown once: not again for a repeated idempotency key.")
class ApiKeyPayload(Payload):
    api_key: ApiKey | None = None
    secret: str | None = None


async def _tenant(info: Info, position: int, tenant_id: UUID) -> TenantPayload:
    shown = TenantPayload(event_position=BigInt(position))
    if await caught_up(info, position, "tenants"):
        there = Present(info.context.reads.within(tenant_id))
        row = await there.one(TenantRow, tenant_id)
        shown.tenant = None if row is None else Tenant.of(row, there)
    return shown


async def _key(
    info: Info, position: int, tenant_id: UUID, key_id: UUID, secret: str | None = None
) -> ApiKeyPayload:
    shown = ApiKeyPayload(event_position=BigInt(position), secret=secret)
    if await caught_up(info, position, "tenants"):
        there = Present(info.context.reads.within(tenant_id))
        row = await there.one(ApiKeyRow, key_id)
        shown.api_key = None if row is None else ApiKey.of(row, there)
    return shown


@strawberry.type
class TenantMutation:
    @mutation(ApiKeyPayload, "Needs the role OWNER; `tenantId` of another tenant a platform key.")
    async def api_key_issue(
        self,
        info: Info,
        label: str,
        role: Role,
        tenant_id: strawberry.ID | None = None,
        idempotency_key: str | None = None,
    ) -> ApiKeyPayload:
        tenant = info.context.tenant_id if tenant_id is None else _tenant_id(info, tenant_id)
        issued = await carry_out(
            info, issue_key, idempotency_key, label=label, role=role, tenant_id=tenant
        )
        return await _key(info, issued.position, tenant, issued.id, issued.secret)

    @mutation(ApiKeyPayload, "Needs the role OWNER. The key is refused from then on.")
    async def api_key_revoke(self, info: Info, api_key_id: strawberry.ID) -> ApiKeyPayload:
        key = parsed_id("ApiKey", api_key_id, "apiKeyId")
        receipt = await carry_out(info, revoke_key, key_id=key)
        return await _key(info, receipt.position, info.context.tenant_id, key)

    @mutation(TenantPayload, "Needs a platform key.")
    async def tenant_register(
        self, info: Info, name: str, plan: Plan, idempotency_key: str | None = None
    ) -> TenantPayload:
        receipt = await carry_out(info, register_tenant, idempotency_key, name=name, plan=plan)
        return await _tenant(info, receipt.position, receipt.id)

    @mutation(TenantPayload, "Needs a platform key.")
    async def tenant_plan_change(
        self, info: Info, tenant_id: strawberry.ID, plan: Plan
    ) -> TenantPayload:
        tenant = _tenant_id(info, tenant_id)
        receipt = await carry_out(info, change_plan, tenant_id=tenant, plan=plan)
        return await _tenant(info, receipt.position, tenant)

    @mutation(TenantPayload, "Needs a platform key. Null hands the flag to the environment.")
    async def tenant_flag_set(
        self,
        info: Info,
        tenant_id: strawberry.ID,
        flag: str,
        enabled: bool | None = None,
    ) -> TenantPayload:
        tenant = _tenant_id(info, tenant_id)
        receipt = await carry_out(
            info, set_flag, tenant_id=tenant, flag=_flag(flag), enabled=enabled
        )
        return await _tenant(info, receipt.position, tenant)


def _tenant_id(info: Info, id: str) -> UUID:
    """Other tenants are there for the operator alone."""
    tenant, caller = parsed_id("Tenant", id, "tenantId"), info.context.caller
    if tenant != caller.tenant_id and not caller.platform:
        raise not_found("tenant", "tenantId")
    return tenant


def _flag(name: str) -> Flag:
    try:
        return Flag(name)
    except ValueError:
        raise invalid("flag", f"The flag must be one of {', '.join(Flag)}.") from None
