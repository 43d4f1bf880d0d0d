"""Whether what the platform stands on is there, and how far it is behind."""

from collections.abc import Mapping
from typing import Protocol


class Health(Protocol):
    """Looked at by load balancers and monitoring."""

    async def dependencies(self) -> Mapping[str, str | None]:
        """Each dependency by name: None when it is fine, else what is wrong in words."""
        ...

    async def gauges(self) -> Mapping[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Figures for monitoring by (name, labels)."""
        ...
