"""What people see of a tenant: its plan, flags, members and keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Delete, Insert, Update, View
from domain.tenant import Tenant


@dataclass(frozen=True, slots=True)
class TenantRow:
    id: UUID
    tenant_id: UUID
    name: str
    plan: str
    created_at: datetime
    position: int
    changed: int


@dataclass(frozen=True, slots=True)
class MemberRow:
    tenant_id: UUID
    user_id: UUID
    role: str
    joined_at: datetime
    position: int


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    id: UUID
    tenant_id: UUID
    label: str
    role: str
    platform: bool
    created_at: datetime
    created_by: str
    revoked_at: datetime | None
    position: int


tenants = View(
    "tenants",
    {
        "tenants": ("id",),
        "tenant_flags": ("tenant_id", "flag"),
        "tenant_members": ("tenant_id", "user_id"),
        "api_keys": ("id",),
    },
)


@tenants.on(Tenant.Registered)
def _registered(event: Tenant.Registered, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "tenants",
        {
            "id": event.originator_id,
            "tenant_id": at.tenant_id,
            "name": event.name,
            "plan": event.plan,
            "created_at": event.timestamp,
            "position": at.position,
            "changed": at.position,
        },
    )


@tenants.on(Tenant.PlanChanged)
def _plan_changed(event: Tenant.PlanChanged, at: RecordedEvent) -> Iterator[Change]:
    columns = {"plan": event.plan, "changed": at.position}
    yield Update("tenants", {"id": event.originator_id}, columns)


@tenants.on(Tenant.FlagSet)
def _flag_set(event: Tenant.FlagSet, at: RecordedEvent) -> Iterator[Change]:
    key = {"tenant_id": at.tenant_id, "flag": event.flag}
    if event.enabled is None:
        yield Delete("tenant_flags", key)
    else:
        yield Insert("tenant_flags", {**key, "enabled": event.enabled, "position": at.position})


@tenants.on(Tenant.MemberJoined)
def _member_joined(event: Tenant.MemberJoined, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "tenant_members",
        {
            "tenant_id": at.tenant_id,
            "user_id": event.user_id,
            "role": event.role,
            "joined_at": event.timestamp,
            "position": at.position,
        },
    )


@tenants.on(Tenant.MemberRoleChanged)
def _role_changed(event: Tenant.MemberRoleChanged, at: RecordedEvent) -> Iterator[Change]:
    key = {"tenant_id": at.tenant_id, "user_id": event.user_id}
    yield Update("tenant_members", key, {"role": event.role})


@tenants.on(Tenant.MemberLeft)
def _member_left(event: Tenant.MemberLeft, at: RecordedEvent) -> Iterator[Change]:
    yield Delete("tenant_members", {"tenant_id": at.tenant_id, "user_id": event.user_id})


@tenants.on(Tenant.ApiKeyIssued)
def _key_issued(event: Tenant.ApiKeyIssued, at: RecordedEvent) -> Iterator[Change]:
    yield Insert(
        "api_keys",
        {
            "id": event.key_id,
            "tenant_id": at.tenant_id,
            "label": event.label,
            "role": event.role,
            "sha256": event.sha256,
            "platform": event.platform,
            "created_at": event.timestamp,
            "created_by": event.cause.actor,
            "revoked_at": None,
            "position": at.position,
        },
    )


@tenants.on(Tenant.ApiKeyRevoked)
def _key_revoked(event: Tenant.ApiKeyRevoked, at: RecordedEvent) -> Iterator[Change]:
    yield Update("api_keys", {"id": event.key_id}, {"revoked_at": event.timestamp})
