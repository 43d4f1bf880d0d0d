"""Signing in: who it is, how often they may try, and the session that follows.

A session's secret (256 random bits) is in a cookie and nowhere else; its sha256 finds the row. The
session gets a new id and a new secret whenever what it may do changes: at sign-in, when another
tenant is chosen, when the password is changed. What ends with it, ends: open sockets too.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_address, ip_network
from uuid import UUID, uuid4

from application.commands.member import accept_invitation, open_invitation
from application.commands.tenant import hash_secret
from application.commands.user import add_user, set_password
from application.platform import Platform
from application.ports.event_log import ConcurrentChange
from application.ports.sessions import LONGEST, Session
from application.ports.throttle import Rate
from domain.audit import SignInsBlocked
from domain.cause import Cause, acting
from domain.principal import Principal
from domain.refusal import Refusal, RefusalCode, not_found
from domain.user import (
    TooManyTries,
    User,
    email_key,
    normalized_password,
    wrong_credentials,
)

OF_ACCOUNT = Rate(burst=10, every=timedelta(minutes=5))
OF_ADDRESS = Rate(burst=30, every=timedelta(seconds=10))


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request comes from."""

    address: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session and its secret; `position` is what its memberships were read after."""

    session: Session
    secret: str
    position: int | None = None


def csrf_token(secret: str) -> str:
    """What a page must send along with the cookie: only who has the secret can make it, and a
    foreign page has neither."""
    return hmac.new(secret.encode(), b"edgewise csrf", hashlib.sha256).hexdigest()


def sign_in(platform: Platform, caller: Caller, *, email: str, password: str) -> SignedIn:
    """Raises TooManyTries, Refusal(UNAUTHENTICATED)."""
    return start_session(platform, caller, proven(platform, caller, email, password))


def proven(platform: Platform, caller: Caller, email: str, password: str) -> User:
    """The user whose password this is. It takes as long for one who is not there."""
    people, account = platform.people, _account(email)
    wait = people.throttle.take(
        {account: OF_ACCOUNT, _network(caller.address): OF_ADDRESS}, platform.now()
    )
    if wait is not None:
        raise TooManyTries(max(1, round(wait.total_seconds() + 0.5)))
    user, password = people.table.by_email(email), normalized_password(password)
    kept = None if user is None else user.password_hash
    if not people.passwords.matches(kept, password) or user is None or kept is None:
        raise wrong_credentials()
    people.throttle.forget(account)
    if people.passwords.is_outdated(kept):
        people.table.set_password(user.id, people.passwords.hash(password))
    return user


def start_session(
    platform: Platform, caller: Caller, user: User, tenant_id: UUID | None = None
) -> SignedIn:
    """Acts in the given tenant, else in the one that the user joined first."""
    if tenant_id is None:
        memberships = platform.people.table.of(user.id)
        tenant_id = memberships[0].tenant_id if memberships else None
    now, secret = platform.now(), secrets.token_urlsafe(32)
    session = Session(
        id=uuid4(),
        user_id=user.id,
        acting_in=tenant_id,
        started_at=now,
        seen_at=now,
        expires_at=now + LONGEST,
        agent=caller.agent[:200],
        address=caller.address,
    )
    platform.people.sessions.start(session, hash_secret(secret))
    return SignedIn(session, secret)


def session_of(platform: Platform, secret: str) -> Session:
    """Raises Refusal(UNAUTHENTICATED)."""
    found = platform.people.sessions.find(hash_secret(secret), platform.now())
    if found is None:
        raise Refusal(RefusalCode.UNAUTHENTICATED, "Your session has ended. Sign in again.")
    return found


def principal_of(session: Session) -> Principal:
    """Raises Refusal(FORBIDDEN) for a session that acts in no tenant."""
    if session.acting_in is None or session.role is None:
        raise Refusal(
            RefusalCode.FORBIDDEN,
            "You act in no organization. Choose one of yours (POST /auth/tenant), or ask an "
            "owner to invite you.",
        )
    return Principal(
        session.acting_in,
        f"user:{session.user_id}",
        session.role,
        session_id=session.id,
        user_id=session.user_id,
    )


def act_in(platform: Platform, session: Session, tenant_id: UUID) -> SignedIn:
    """Chooses one of the user's tenants. Raises Refusal(NOT_FOUND) for any other."""
    memberships = platform.people.table.of(session.user_id)
    if all(membership.tenant_id != tenant_id for membership in memberships):
        raise not_found("organization", "tenantId")
    return _rotated(platform, replace(session, acting_in=tenant_id))


def change_password(
    platform: Platform, caller: Caller, session: Session, *, current: str, new: str
) -> SignedIn:
    """Ends all other sessions of the user. Raises Refusal(UNAUTHENTICATED) for a wrong current
    password, Refusal(INVALID) for a new one that is none."""
    user = user_of(platform, session)
    try:
        proven(platform, caller, user.email, current)
    except TooManyTries:
        raise
    except Refusal as refusal:
        words = "The current password is wrong."
        raise Refusal(RefusalCode.INVALID, words, "currentPassword") from refusal
    try:
        set_password(platform, user, new)
    except Refusal as refusal:
        raise Refusal(refusal.code, refusal.message, "newPassword") from refusal
    platform.people.sessions.end(user.id, but=session.id)
    return _rotated(platform, session)


def join(
    platform: Platform,
    caller: Caller,
    session: Session | None,
    *,
    secret: str,
    password: str,
    name: str,
) -> SignedIn:
    """Takes an invitation: as the user who is signed in, as one whose password is given, or as a
    new user with that password. Raises Refusal(INVALID_STATE), Refusal(UNAUTHENTICATED)."""
    invitee = open_invitation(platform, secret)
    user = platform.people.table.by_email(invitee.email)
    if user is None:
        user = add_user(platform, email=invitee.email, name=name, password=password)
    elif session is None or session.user_id != user.id:
        user = proven(platform, caller, invitee.email, password)
    position = accept_invitation(platform, invitee, user.id)
    if session is not None:
        platform.people.sessions.end(session.user_id, session.id)
    return replace(start_session(platform, caller, user, invitee.tenant_id), position=position)


def user_of(platform: Platform, session: Session) -> User:
    user = platform.people.table.named([session.user_id]).get(session.user_id)
    if user is None:
        raise Refusal(RefusalCode.UNAUTHENTICATED, "Your session has ended. Sign in again.")
    return user


def _rotated(platform: Platform, session: Session) -> SignedIn:
    """A new id and secret; how long it lasts stays."""
    new, secret = replace(session, id=uuid4()), secrets.token_urlsafe(32)
    platform.people.sessions.start(new, hash_secret(secret), instead_of=session.id)
    return SignedIn(new, secret)


def record_blocked(platform: Platform, email: str) -> None:
    """An event in every tenant that the user belongs to, once an hour. Not for the time in which
    the caller waits for an answer: that would tell whether there is such a user."""
    now, user = platform.now(), platform.people.table.by_email(email)
    if user is None:
        return
    for membership in platform.people.table.of(user.id):
        tenant_id, request_id = membership.tenant_id, str(uuid4())
        stream = SignInsBlocked.id_of(tenant_id, user.id, now)
        with acting(Cause(tenant_id, "system", f"request:{request_id}", request_id)):
            if platform.log.find(SignInsBlocked, stream) is None:
                try:
                    platform.log.save(SignInsBlocked.record(stream, user.id))
                except ConcurrentChange:  # another process was first
                    pass


def _account(email: str) -> str:
    """No address is kept for somebody who is no user."""
    return "account:" + hashlib.sha256(email_key(email).encode("utf-8", "replace")).hexdigest()


def _network(address: str) -> str:
    """An IPv6 network counts as one address: whoever has one has all of it."""
    try:
        known = ip_address(address)
    except ValueError:
        return "address:unknown"
    return f"address:{ip_network((known, 64), strict=False) if known.version == 6 else known}"
