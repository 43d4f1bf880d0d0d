"""Whether a feature is on, by environment and by tenant."""

from typing import Protocol
from uuid import UUID

from domain.flag import Flag


class Flags(Protocol):
    """Answers for one flag in one tenant."""

    def enabled(self, flag: Flag, tenant_id: UUID) -> bool: ...
