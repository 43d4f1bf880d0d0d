"""Whether what the platform stands on is there, and how far it is behind."""

from collections.abc import Mapping
from typing import Protocol

from application.ports.projections import Standing, Waiting


class Health(Protocol):
    """Looked at by load balancers and monitoring."""

    async def dependencies(self) -> Mapping[str, str | None]:
        """Each dependency by name: None when it is fine, else what is wrong in words
        that anybody may read."""
        ...

    async def following(self) -> list[Standing]:
        """How far each view and policy has followed the log."""
        ...

    async def outbox(self) -> list[Waiting]:
        """What waits to be handed over, by kind."""
        ...

    async def gauges(self) -> Mapping[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Figures for monitoring by (name, labels)."""
        ...
