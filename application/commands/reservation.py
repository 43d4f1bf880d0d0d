"""What is saved together with its subject: the reservation of a name, and a unit of quota."""

from uuid import UUID

from application.commands.command import load
from application.platform import Platform
from domain.cause import because_of
from domain.naming import Name
from domain.plan import QuotaKind
from domain.quota import Quota, period_of
from domain.tenant import Tenant


def reserve_name(platform: Platform, tenant_id: UUID, kind: str, value: str, holder: UUID) -> Name:
    """The reservation, to be saved with its holder. Raises Refusal(NAME_TAKEN)."""
    name = platform.log.find(Name, Name.id_of(tenant_id, kind, value))
    if name is None:
        return Name.reserve(tenant_id, kind, value, holder)
    name.reserve_again(kind, value, holder)
    return name


def release_name(platform: Platform, tenant_id: UUID, kind: str, value: str, holder: UUID) -> Name:
    """The reservation given up, to be saved with its holder."""
    name = load(platform, Name, Name.id_of(tenant_id, kind, value), "name")
    name.release(holder)
    return name


def tenant_of(platform: Platform, tenant_id: UUID) -> Tenant:
    return load(platform, Tenant, tenant_id, "tenant")


def spend(
    platform: Platform, tenant_id: UUID, kind: QuotaKind, subject: UUID, spent_by: str
) -> Quota:
    """The quota with one unit spent, to be saved with what spends it."""
    tenant = tenant_of(platform, tenant_id)
    with because_of(spent_by):
        quota = _quota(platform, tenant_id, kind)
        quota.spend(subject, spent_by, tenant.plan, tenant.limits.of(kind))
    return quota


def give_back(platform: Platform, quota_id: UUID, subject: UUID, reason: str) -> Quota | None:
    """The quota with the subject's unit returned; None when nothing was ever spent."""
    quota = platform.log.find(Quota, quota_id)
    if quota is not None:
        quota.give_back(subject, reason)
    return quota


def _quota(platform: Platform, tenant_id: UUID, kind: QuotaKind) -> Quota:
    period = period_of(kind, platform.now())
    found = platform.log.find(Quota, Quota.id_of(tenant_id, kind, period))
    return found or Quota.open(tenant_id, kind, period)
