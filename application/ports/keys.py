"""Who a secret belongs to."""

from typing import Protocol

from domain.principal import Principal


class Keys(Protocol):
    """The keys in force, of all tenants."""

    async def principal(self, secret: str) -> Principal | None:
        """The principal that the secret stands for; None for an unknown or revoked one."""
        ...
