"""New keys for what devices may install: the installation's operator decides, and it is on record.

The repository is signed first and the event follows. Where a crash comes between, the repository's
roots tell of it, and the operator's command, which has not answered, is given again.
"""

from uuid import UUID

from application.commands.command import load, retrying
from application.platform import Platform
from application.ports.trusted_targets import TrustRole, TrustState, TrustUpkeep
from domain.cause import Cause, acting
from domain.tenant import Tenant


def rotate_target_keys(
    platform: Platform, upkeep: TrustUpkeep, tenant_id: UUID, root: bool, uri: str | None
) -> TrustState:
    """A new key for the root role, or for the other three (`application.ports.trusted_targets`).
    Raises Refusal(NOT_FOUND, UNAVAILABLE or INVALID)."""
    with acting(Cause(tenant_id, "system", "trust", "trust")):
        load(platform, Tenant, tenant_id, "tenant", "tenant")
        state = upkeep.rotate(tenant_id, root, uri)

        def record() -> None:
            tenant = load(platform, Tenant, tenant_id, "tenant", "tenant")
            newest = {one.role: one for one in state.roles}
            changed = newest[TrustRole.ROOT if root else TrustRole.TARGETS]
            tenant.rotated_target_keys(
                "root" if root else "online", changed.key_ids[0], newest[TrustRole.ROOT].version
            )
            platform.log.save(tenant)

        retrying(record)
    return state
