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


class Kind(StrEnum):
    """What a principal is."""

    KEY = "KEY"
    USER = "USER"
    DEVICE = "DEVICE"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. `actor` names it in events, such as `key:<id>` or `system`.

    `platform` marks the keys of the installation's operator, who alone opens tenants and sets
    their plans. What may end while a connection is open is named: the key, or the session and
    its user. A device speaks of itself alone.
    """

    tenant_id: UUID
    actor: str
    role: Role
    platform: bool = False
    key_id: UUID | None = None
    session_id: UUID | None = None
    user_id: UUID | None = None
    device_id: UUID | None = None

    @property
    def kind(self) -> Kind:
        if self.user_id is not None:
            return Kind.USER
        if self.device_id is not None:
            return Kind.DEVICE
        return Kind.SYSTEM if self.actor == "system" else Kind.KEY

    def require(self, role: Role) -> None:
        """Refuses with FORBIDDEN unless the principal's role includes `role`."""
        if not self.role.includes(role):
            raise Refusal(
                RefusalCode.FORBIDDEN,
                f"This needs the role {role}; {self._self} {self.role}. "
                f"Ask an owner for {self._wanted} {role}.",
            )

    @property
    def _self(self) -> str:
        return "you have" if self.kind is Kind.USER else "the key you use has"

    @property
    def _wanted(self) -> str:
        return "the role" if self.kind is Kind.USER else "a key with the role"

    def require_device(self) -> UUID:
        """The device that asks. Refuses everybody else with FORBIDDEN."""
        if self.device_id is None:
            raise Refusal(RefusalCode.FORBIDDEN, "Only a device says this, of itself.")
        return self.device_id

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


def device(tenant_id: UUID, device_id: UUID) -> Principal:
    """A device that has proven who it is, at the broker or by a signed call."""
    return Principal(tenant_id, f"device:{device_id}", Role.VIEWER, device_id=device_id)
