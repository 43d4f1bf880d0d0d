"""The members of a tenant, who is invited, and the sessions of whoever asks.

Names and addresses are no part of the events and are read where they are kept. An address is shown
to owners, and to the member it belongs to.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import anyio.to_thread
import strawberry

from application.ports.people import Invitee
from application.ports.reads import EVERYTHING
from application.ports.sessions import Session as SessionRow
from application.views.invitation import InvitationRow
from application.views.tenant import MemberRow
from domain.principal import Principal, Role
from domain.refusal import Refusal, RefusalCode
from domain.user import User
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field
from interfaces.graphql.node import Node, bare_id, global_id
from interfaces.graphql.owner import require_owner
from interfaces.graphql.paging import Connection, checked_paging, connection_of
from interfaces.graphql.reading import Moment, rows_at, stream_at, waited
from interfaces.graphql.scalars import BigInt


@strawberry.type(description="A user who belongs to the tenant. `email` is for owners to see.")
class Member:
    user_id: strawberry.ID
    name: str | None
    email: str | None
    role: Role
    joined_at: datetime

    @classmethod
    def of(cls, row: MemberRow, users: Mapping[UUID, User], caller: Principal) -> "Member":
        user = users.get(row.user_id)
        shows = caller.role.includes(Role.OWNER) or caller.user_id == row.user_id
        return cls(
            user_id=bare_id(row.user_id),
            name=user.name if user else None,
            email=user.email if user and shows else None,
            role=Role(row.role),
            joined_at=row.joined_at,
        )


@strawberry.type(description="`status` is OPEN, ACCEPTED or WITHDRAWN; `email` is kept while open.")
class Invitation(Node):
    email: str | None
    role: Role
    status: str
    expires_at: datetime
    invited_at: datetime
    invited_by: str
    accepted_by: strawberry.ID | None

    @classmethod
    def of(cls, row: InvitationRow, invitees: Mapping[UUID, Invitee]) -> "Invitation":
        invitee = invitees.get(row.id)
        return cls(
            id=global_id("Invitation", row.id),
            email=invitee.email if invitee else None,
            role=Role(row.role),
            status=row.status,
            expires_at=row.expires_at,
            invited_at=row.invited_at,
            invited_by=row.invited_by,
            accepted_by=bare_id(row.accepted_by) if row.accepted_by else None,
        )


@strawberry.type(
    description="A browser in which you are signed in. `current` is the one that asks."
)
class Session:
    id: strawberry.ID
    started_at: datetime
    seen_at: datetime
    expires_at: datetime
    agent: str
    address: str
    current: bool

    @classmethod
    def of(cls, row: SessionRow, caller: Principal) -> "Session":
        return cls(
            id=bare_id(row.id),
            started_at=row.started_at,
            seen_at=row.seen_at,
            expires_at=row.expires_at,
            agent=row.agent,
            address=row.address,
            current=row.id == caller.session_id,
        )


def user_id_of(caller: Principal) -> UUID:
    """Raises Refusal(FORBIDDEN) for a key."""
    if caller.user_id is None:
        raise Refusal(
            RefusalCode.FORBIDDEN, "A key has no sessions. Sign in as a user and ask again."
        )
    return caller.user_id


async def member_of(info: Info, row: MemberRow) -> Member:
    table = info.context.platform.people.table
    users = await anyio.to_thread.run_sync(table.named, [row.user_id])
    return Member.of(row, users, info.context.caller)


async def invitation_of(info: Info, row: InvitationRow) -> Invitation:
    invitees = info.context.platform.people.invitees
    return Invitation.of(row, await anyio.to_thread.run_sync(invitees.named, [row.id]))


@strawberry.type
class MemberQuery:
    @field()
    async def members(
        self,
        info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Connection[Member]:
        caller, paging = info.context.caller, checked_paging(first, last, after, before)
        await waited(info, wait_for, "tenants")
        rows = await stream_at(info, info.context.tenant_id, as_of)
        page = await rows.rows.page(MemberRow, EVERYTHING, paging)
        table = info.context.platform.people.table
        users = await anyio.to_thread.run_sync(table.named, [row.user_id for row in page.rows])
        return connection_of(page, lambda row: Member.of(row, users, caller))

    @field("Needs the role OWNER.")
    async def invitations(
        self,
        info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Connection[Invitation]:
        await require_owner(info)
        paging = checked_paging(first, last, after, before)
        await waited(info, wait_for, "invitations")
        rows = await rows_at(info, as_of)
        page = await rows.rows.page(InvitationRow, EVERYTHING, paging)
        invitees = info.context.platform.people.invitees
        known = await anyio.to_thread.run_sync(invitees.named, [row.id for row in page.rows])
        return connection_of(page, lambda row: Invitation.of(row, known))

    @field("Yours, newest first. Needs a signed-in user.")
    async def sessions(self, info: Info) -> list[Session]:
        caller, platform = info.context.caller, info.context.platform
        rows = await anyio.to_thread.run_sync(
            platform.people.sessions.of_user, user_id_of(caller), platform.now()
        )
        return [Session.of(row, caller) for row in rows]
