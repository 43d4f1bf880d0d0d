"""Mutations on members and invitations, and on one's own sessions."""

from uuid import UUID

import anyio.to_thread
import strawberry

from application.commands.member import (
    change_member_role,
    invite_member,
    leave,
    remove_member,
    withdraw_invitation,
)
from application.views.invitation import InvitationRow
from application.views.tenant import MemberRow
from domain.principal import Role
from domain.refusal import not_found
from interfaces.graphql.context import Info
from interfaces.graphql.member import Invitation, Member, invitation_of, member_of, user_id_of
from interfaces.graphql.mutating import Payload, carry_out, caught_up, mutation
from interfaces.graphql.node import parsed_id
from interfaces.graphql.scalars import BigInt


@strawberry.type(description="The link is shown once: not again for a repeated idempotency key.")
class InvitationPayload(Payload):
    invitation: Invitation | None = None
    url: str | None = None


@strawberry.type
class MemberPayload(Payload):
    member: Member | None = None


@strawberry.type
class SessionPayload(Payload):
    ended: int | None = None


async def _invitation(
    info: Info, position: int, id: UUID, url: str | None = None
) -> InvitationPayload:
    shown = InvitationPayload(event_position=BigInt(position), url=url)
    if await caught_up(info, position, "invitations"):
        row = await info.context.present.one(InvitationRow, id)
        shown.invitation = None if row is None else await invitation_of(info, row)
    return shown


async def _member(info: Info, position: int, user_id: UUID) -> MemberPayload:
    shown = MemberPayload(event_position=BigInt(position))
    if await caught_up(info, position, "tenants"):
        row = await info.context.present.one(MemberRow, user_id, "user_id")
        shown.member = None if row is None else await member_of(info, row)
    return shown


@strawberry.type
class MemberMutation:
    @mutation(InvitationPayload, "Needs the role OWNER. Hand the link over yourself.")
    async def member_invite(
        self, info: Info, email: str, role: Role, idempotency_key: str | None = None
    ) -> InvitationPayload:
        invited = await carry_out(info, invite_member, idempotency_key, email=email, role=role)
        path = f"/invitation?token={invited.secret}"
        url = info.context.platform.people.link(path) if invited.secret else None
        return await _invitation(info, invited.position, invited.id, url)

    @mutation(InvitationPayload, "Needs the role OWNER. The link opens nothing from then on.")
    async def invitation_withdraw(
        self, info: Info, invitation_id: strawberry.ID
    ) -> InvitationPayload:
        id = parsed_id("Invitation", invitation_id, "invitationId")
        receipt = await carry_out(info, withdraw_invitation, invitation_id=id)
        return await _invitation(info, receipt.position, id)

    @mutation(MemberPayload, "Needs the role OWNER. The last owner stays one.")
    async def member_role_change(
        self, info: Info, user_id: strawberry.ID, role: Role
    ) -> MemberPayload:
        id = parsed_id("User", user_id, "userId")
        receipt = await carry_out(info, change_member_role, user_id=id, role=role)
        return await _member(info, receipt.position, id)

    @mutation(MemberPayload, "Needs the role OWNER. The last owner stays.")
    async def member_remove(self, info: Info, user_id: strawberry.ID) -> MemberPayload:
        id = parsed_id("User", user_id, "userId")
        receipt = await carry_out(info, remove_member, user_id=id)
        return await _member(info, receipt.position, id)

    @mutation(MemberPayload, "You leave the tenant yourself. The last owner stays.")
    async def member_leave(self, info: Info) -> MemberPayload:
        receipt = await carry_out(info, leave)
        return MemberPayload(event_position=BigInt(receipt.position))

    @mutation(SessionPayload, "Ends one of your sessions.")
    async def session_revoke(self, info: Info, session_id: strawberry.ID) -> SessionPayload:
        ended = await _end(info, parsed_id("Session", session_id, "sessionId"))
        if not ended:
            raise not_found("session", "sessionId")
        return SessionPayload(ended=ended)

    @mutation(SessionPayload, "Ends all of your sessions but the one that asks.")
    async def sessions_revoke(self, info: Info) -> SessionPayload:
        return SessionPayload(ended=await _end(info, None, but=info.context.caller.session_id))


async def _end(info: Info, session_id: UUID | None, but: UUID | None = None) -> int:
    user_id, sessions = user_id_of(info.context.caller), info.context.platform.people.sessions
    return await anyio.to_thread.run_sync(sessions.end, user_id, session_id, but)
