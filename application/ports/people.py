"""What is known of people. None of it is in events, all of it can be erased.

All methods look across tenants: whoever calls them has decided that the caller may.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.user import Identity, Membership, User


class EmailTaken(Exception):
    """Another user has this address."""


class IdentityTaken(Exception):
    """The identity belongs to another user."""


@dataclass(frozen=True, slots=True)
class Invitee:
    """Whom an invitation was sent to; `sha256` is that of the secret in its link."""

    invitation_id: UUID
    tenant_id: UUID
    email: str
    sha256: str
    expires_at: datetime


class Users(Protocol):
    """Everybody who can sign in."""

    def add(self, user: User) -> None:
        """Raises EmailTaken."""
        ...

    def by_email(self, email: str) -> User | None: ...

    def named(self, user_ids: Collection[UUID]) -> Mapping[UUID, User]:
        """Those of these users who are there."""
        ...

    def set_password(self, user_id: UUID, password_hash: str) -> None: ...


class Erasure(Protocol):
    """The end of what is known of a user."""

    def erase(self, user_id: UUID) -> bool:
        """Removes the user with their sessions, identities and open invitations; whether there
        was one."""
        ...


class Identities(Protocol):
    """Who signs in through an identity provider."""

    def link(self, user_id: UUID, identity: Identity) -> None:
        """Raises IdentityTaken."""
        ...

    def user_of(self, identity: Identity) -> User | None: ...


class Invitees(Protocol):
    """Whom open invitations were sent to."""

    def keep(self, invitee: Invitee) -> bool:
        """False where the invitation has one already, which stays."""
        ...

    def by_secret(self, sha256: str) -> Invitee | None: ...

    def named(self, invitation_ids: Collection[UUID]) -> Mapping[UUID, Invitee]: ...

    def forget(self, invitation_id: UUID) -> None: ...


class Memberships(Protocol):
    """Which tenants a user belongs to, by what the views show."""

    def of(self, user_id: UUID) -> Sequence[Membership]:
        """Oldest first."""
        ...


class PeopleTable(Users, Erasure, Identities, Memberships, Protocol):
    """Everything that is kept about users."""
