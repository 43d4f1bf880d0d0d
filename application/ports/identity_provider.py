"""Who somebody is, by the word of an OpenID provider, and the sign-ins that are away there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.refusal import Refusal, RefusalCode
from domain.user import Identity


@dataclass(frozen=True, slots=True)
class Flow:
    """One sign-in at the provider. `state` comes back with the browser, `nonce` in the token,
    and `verifier` proves that whoever redeems the code is who asked for it (PKCE)."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Away:
    """What is remembered of a flow: the browser that began it, by the sha256 of its cookie, the
    invitation it is to take, by that of its secret, or the user it is to be linked to."""

    flow: Flow
    browser: str
    expires_at: datetime
    invitation: str | None = None
    linking: UUID | None = None


@dataclass(frozen=True, slots=True)
class Claims:
    """What the provider says of a user."""

    identity: Identity
    email: str | None
    email_verified: bool
    name: str | None


class ProviderAway(Refusal):
    """The provider does not answer, or not as an OpenID provider does."""

    def __init__(self, name: str) -> None:
        super().__init__(
            RefusalCode.UNAVAILABLE,
            f"{name} cannot be reached at the moment. Try again later, or sign in by password.",
        )


class NotProven(Refusal):
    """What came back does not prove who it is; the reason is for the log."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            RefusalCode.UNAUTHENTICATED,
            f"The sign-in with {name} could not be proven. Start it again.",
        )
        self.reason = reason


class IdentityProvider(Protocol):
    """One OpenID provider. `name` is what people call it."""

    name: str

    def begin(self, flow: Flow, redirect_uri: str) -> str:
        """The address to send the browser to. Raises ProviderAway."""
        ...

    def finish(self, flow: Flow, code: str, redirect_uri: str) -> Claims:
        """Redeems the code. Raises ProviderAway, NotProven."""
        ...


class Flows(Protocol):
    """The sign-ins that are away, of all processes."""

    def keep(self, away: Away) -> None: ...

    def take(self, state: str, now: datetime) -> Away | None:
        """The flow, once; None for an unknown, old or taken one."""
        ...
