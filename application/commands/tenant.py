"""Commands on tenants and their keys.

A secret is `ew_` and 43 characters of randomness (256 bits); only its sha256 is kept. With an
idempotency key a repeated issue cannot show the secret again: it answers with the key alone.
"""

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

from application.commands.command import (
    Receipt,
    Request,
    command,
    hash_of,
    made_before,
)
from application.commands.reservation import tenant_of
from application.platform import Platform
from domain.cause import Cause, acting
from domain.flag import Flag
from domain.plan import Plan
from domain.principal import Role
from domain.tenant import Tenant


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key, its secret where it was made just now, and the position of the event."""

    id: UUID
    secret: str | None
    position: int


def hash_secret(secret: str) -> str:
    """sha256, hexadecimal: enough for a secret of 256 random bits, and found by an index."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    return f"ew_{secrets.token_urlsafe(32)}"


@command(Role.OWNER)
def register_tenant(platform: Platform, request: Request, *, name: str, plan: Plan) -> Receipt:
    """A new tenant. Only the operator of the installation may."""
    request.principal.require_platform()
    tenant_id, hashed = request.new_id("tenantRegister"), hash_of(name=name, plan=plan)
    with acting(Cause(tenant_id, request.principal.actor, f"request:{request.id}", request.id)):
        made = made_before(platform, Tenant, tenant_id, hashed)
        tenant = made or Tenant.register(tenant_id, name, plan, hashed)
        return Receipt(tenant_id, platform.log.save(tenant))


@command(Role.OWNER)
def change_plan(platform: Platform, request: Request, *, tenant_id: UUID, plan: Plan) -> Receipt:
    """Only the operator of the installation may."""
    request.principal.require_platform()
    with acting(Cause(tenant_id, request.principal.actor, f"request:{request.id}", request.id)):
        tenant = tenant_of(platform, tenant_id)
        tenant.change_plan(plan)
        return Receipt(tenant_id, platform.log.save(tenant))


@command(Role.OWNER)
def set_flag(
    platform: Platform,
    request: Request,
    *,
    tenant_id: UUID,
    flag: Flag,
    enabled: bool | None,
) -> Receipt:
    """Only the operator of the installation may."""
    request.principal.require_platform()
    with acting(Cause(tenant_id, request.principal.actor, f"request:{request.id}", request.id)):
        tenant = tenant_of(platform, tenant_id)
        tenant.set_flag(flag, enabled)
        return Receipt(tenant_id, platform.log.save(tenant))


@command(Role.OWNER)
def issue_key(
    platform: Platform,
    request: Request,
    *,
    label: str,
    role: Role,
    tenant_id: UUID | None = None,
    platform_key: bool = False,
    secret: str | None = None,
) -> IssuedKey:
    """A key of the own tenant; the operator may issue one in any tenant."""
    tenant_id = tenant_id or request.tenant_id
    if tenant_id != request.tenant_id or platform_key or secret is not None:
        request.principal.require_platform()
    key_id, made_secret = request.new_id(f"apiKeyIssue:{tenant_id}"), secret or new_secret()
    with acting(Cause(tenant_id, request.principal.actor, f"request:{request.id}", request.id)):
        tenant = tenant_of(platform, tenant_id)
        known = str(key_id) in tenant.keys
        tenant.issue_key(key_id, label, role, hash_secret(made_secret), platform_key)
        position = platform.log.save(tenant)
    return IssuedKey(key_id, None if known else made_secret, position)


@command(Role.OWNER)
def revoke_key(platform: Platform, request: Request, *, key_id: UUID) -> Receipt:
    tenant = tenant_of(platform, request.tenant_id)
    tenant.revoke_key(key_id)
    return Receipt(key_id, platform.log.save(tenant))
