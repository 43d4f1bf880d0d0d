"""What every resolver has at hand: who asks, and the ways to read, to wait and to act.

One context serves one HTTP request, or one WebSocket connection with all its operations.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import strawberry
from anyio import CapacityLimiter

from application.platform import Platform
from application.ports.blobs import DownloadLinks
from application.ports.listening import Listener
from application.ports.reads import Reads
from application.waiting import Waiter
from domain.principal import Principal
from domain.refusal import Refusal, RefusalCode
from interfaces.graphql.batching import Present


@dataclass
class Context:
    """`principal` is None until a WebSocket has authenticated in `connection_init`; its payload
    is then in `connection_params`. `limiter` bounds the threads that commands run on."""

    platform: Platform
    reads: Reads
    waiter: Waiter
    listener: Listener
    downloads: DownloadLinks
    limiter: CapacityLimiter
    principal: Principal | None = None
    request_id: str = field(default_factory=lambda: str(uuid4()))
    environment: str = "development"
    version: str = "0"
    connection_params: dict[str, Any] | None = None

    @property
    def caller(self) -> Principal:
        """Raises Refusal(UNAUTHENTICATED) where nobody has signed in."""
        if self.principal is None:
            raise Refusal(
                RefusalCode.UNAUTHENTICATED,
                "Send an API key: `Authorization: Bearer …`, or in connection_init.",
            )
        return self.principal

    @property
    def tenant_id(self) -> UUID:
        return self.caller.tenant_id

    @cached_property
    def present(self) -> Present:
        """The caller's tenant as it is."""
        return Present(self.reads.within(self.tenant_id))


Info: TypeAlias = strawberry.Info[Context, None]
