"""Commands on members: invite, change a role, remove, leave; and taking an invitation.

The secret of an invitation is in its link, shown once to whoever invites, who hands it over; only
its sha256 is kept, beside the address it is for. With an idempotency key a repeated invitation
cannot show the link again.
"""

import secrets
from dataclasses import dataclass
from uuid import UUID, uuid4

from application.commands.command import (
    Receipt,
    Request,
    command,
    hash_of,
    load,
    made_before,
    retrying,
)
from application.commands.reservation import tenant_of
from application.commands.tenant import hash_secret
from application.platform import Platform
from application.ports.people import Invitee
from domain.cause import Cause, acting
from domain.invitation import LIFETIME, Invitation, no_longer_open
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode
from domain.tenant import Tenant
from domain.user import checked_email, email_key


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation, the secret of its link where it was made just now, and the position."""

    id: UUID
    secret: str | None
    position: int


@command(Role.OWNER)
def invite_member(platform: Platform, request: Request, *, email: str, role: Role) -> Invited:
    """The event comes first: a repetition after a crash finds it and makes the link."""
    email, invitees = checked_email(email), platform.people.invitees
    invitation_id, now = request.new_id("memberInvite"), platform.now()
    hashed = hash_of(role=role)  # the address is personal: not even its hash is in an event
    made = made_before(platform, Invitation, invitation_id, hashed)
    kept = invitees.named([invitation_id]).get(invitation_id)
    if kept is not None and email_key(kept.email) != email_key(email):
        raise Refusal(
            RefusalCode.IDEMPOTENCY_MISMATCH,
            "This idempotency key was used before with another input. Use a new key.",
            "idempotencyKey",
        )
    invitation = made or Invitation.send(invitation_id, role, now + LIFETIME, hashed)
    position = platform.log.save(invitation)
    secret = f"ewi_{secrets.token_urlsafe(32)}"
    invitee = Invitee(
        invitation_id, request.tenant_id, email, hash_secret(secret), invitation.expires_at
    )
    new = invitation.open_at(now) and invitees.keep(invitee)
    return Invited(invitation_id, secret if new else None, position)


@command(Role.OWNER)
def withdraw_invitation(platform: Platform, request: Request, *, invitation_id: UUID) -> Receipt:
    invitation = load(platform, Invitation, invitation_id, "invitation", "invitationId")
    invitation.withdraw()
    position = platform.log.save(invitation)
    platform.people.invitees.forget(invitation_id)
    return Receipt(invitation_id, position)


@command(Role.OWNER)
def change_member_role(
    platform: Platform, request: Request, *, user_id: UUID, role: Role
) -> Receipt:
    tenant = tenant_of(platform, request.tenant_id)
    tenant.change_role(user_id, role)
    return Receipt(user_id, platform.log.save(tenant))


@command(Role.OWNER)
def remove_member(platform: Platform, request: Request, *, user_id: UUID) -> Receipt:
    tenant = tenant_of(platform, request.tenant_id)
    tenant.remove_member(user_id)
    return Receipt(user_id, platform.log.save(tenant))


@command(Role.VIEWER)
def leave(platform: Platform, request: Request) -> Receipt:
    """Every user may, unless they are the last owner."""
    user_id = request.principal.user_id
    if user_id is None:
        raise Refusal(RefusalCode.FORBIDDEN, "A key is no member. Sign in to leave.")
    tenant = tenant_of(platform, request.tenant_id)
    tenant.remove_member(user_id)
    return Receipt(user_id, platform.log.save(tenant))


def open_invitation(platform: Platform, secret: str) -> Invitee:
    """Whom a link is for. Raises Refusal(INVALID_STATE) unless the invitation is open."""
    invitee = platform.people.invitees.by_secret(hash_secret(secret))
    if invitee is None or invitee.expires_at <= platform.now():
        raise no_longer_open()
    return invitee


def accept_invitation(platform: Platform, invitee: Invitee, user_id: UUID) -> int:
    """Makes the user a member, once; returns the position. The caller has seen to it that the
    user is who was invited."""
    request_id = str(uuid4())
    cause = Cause(invitee.tenant_id, f"user:{user_id}", f"request:{request_id}", request_id)
    with acting(cause):
        position = retrying(lambda: _accept(platform, invitee.invitation_id, user_id))
    platform.people.invitees.forget(invitee.invitation_id)
    return position


def _accept(platform: Platform, invitation_id: UUID, user_id: UUID) -> int:
    invitation = load(platform, Invitation, invitation_id, "invitation", "token")
    tenant = load(platform, Tenant, invitation.tenant_id, "tenant")
    if invitation.accepted_by == user_id and str(user_id) not in tenant.members:
        raise no_longer_open()  # a member who was removed since does not come back by it
    if invitation.accepted_by is None:
        tenant.add_member(user_id, invitation.role)
    invitation.accept(user_id, platform.now())
    return platform.log.save(invitation, tenant)
