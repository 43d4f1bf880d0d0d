"""What every resolver has at hand: who asks, and the ways to read, to wait and to act.

One context serves one HTTP request, or one operation on a WebSocket.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import strawberry
from anyio import CapacityLimiter

from application.pasts import Pasts
from application.platform import Platform
from application.ports.blobs import DownloadLinks
from application.ports.listening import Listener
from application.ports.reads import Reads
from application.waiting import Waiter
from domain.principal import Principal
from domain.refusal import Refusal, RefusalCode
from interfaces.graphql.batching import Present
from interfaces.graphql.spending import Spending
from interfaces.graphql.tail import Tails


@dataclass
class Following:
    """How far one subscription has come, for the transport that carries it.

    `position` is that of the last event told, or of where it began. `resume` is where to begin
    whatever the client asked for. A subscription that may `join` those who follow alike ends, with
    `caught_up`, as soon as it has told all there is."""

    resume: int | None = None
    join: bool = False
    position: int | None = None
    caught_up: bool = False


@dataclass
class Context:
    """`principal` is None until a WebSocket has authenticated in `connection_init`; its payload
    is then in `connection_params`. `limiter` bounds the threads that commands run on; `pasts`
    belongs to the process, `following` is a subscription's own; `spending` is what operations are
    paid from, if they are."""

    platform: Platform
    reads: Reads
    waiter: Waiter
    listener: Listener
    tails: Tails
    downloads: DownloadLinks
    limiter: CapacityLimiter
    pasts: Pasts = field(default_factory=Pasts)
    principal: Principal | None = None
    request_id: str = field(default_factory=lambda: str(uuid4()))
    environment: str = "development"
    version: str = "0"
    connection_params: dict[str, Any] | None = None
    following: Following = field(default_factory=Following)
    spending: Spending | None = None

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
