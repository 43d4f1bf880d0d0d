"""Who asks, and what their role lets them do.

A principal is an API key, a user, a device or the system itself, always acting inside one tenant.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from domain.refusal import Refusal, RefusalCode


class Role(StrEnum):
    """What a member or key may do. Each role includes the ones before it."""

    VIEWER = "VIEWER"
    OPERATOR = "OPERATOR"
    OWNER = "OWNER"

    def includes(self, needed: "Role") -> bool:
        """Whether someone with this role may do what `needed` may do."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. `actor` names it in events, such as `key:<id>` or `system`.

    `platform` marks the keys of the installation's operator, who alone opens tenants and sets
    their plans.
    """

    tenant_id: UUID
    actor: str
    role: Role
    platform: bool = False

    def require(self, role: Role) -> None:
        """Refuses with FORBIDDEN unless the principal's role includes `role`."""
        if not self.role.includes(role):
            raise Refusal(
                RefusalCode.FORBIDDEN,
                f"This needs the role {role}; the key you use has {self.role}. "
                f"Ask an owner for a key with the role {role}.",
            )

    def require_platform(self) -> None:
        """Refuses with FORBIDDEN unless the principal operates the installation itself."""
        if not self.platform:
            raise Refusal(
                RefusalCode.FORBIDDEN,
                "Only the operator of this installation may do this. "
                "Use the sign-in token that `edgewise up` prints.",
            )


def system(tenant_id: UUID) -> Principal:
    """The platform acting by itself inside a tenant: policies, workers, sweepers."""
    return Principal(tenant_id, "system", Role.OWNER, platform=True)
