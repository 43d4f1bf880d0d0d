"""Signing in through an OpenID provider.

A user of the provider (issuer and subject) is linked to one user here, for good. The link is made
when an invitation is taken, or by a user who is signed in already; never because two addresses are
alike: whoever controls an address at the provider does not thereby own an account here. Strangers
are turned away, unless the installation takes in anyone whose address the provider has verified.
"""

import logging
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from application.commands.member import accept_invitation
from application.commands.tenant import hash_secret
from application.commands.user import add_user
from application.platform import Platform
from application.ports.identity_provider import (
    Away,
    Claims,
    Flow,
    Flows,
    IdentityProvider,
    NotProven,
)
from application.ports.people import IdentityTaken
from application.sign_in import Caller, SignedIn, start_session
from domain.invitation import no_longer_open
from domain.naming import LONGEST_NAME
from domain.refusal import Refusal, RefusalCode
from domain.user import User, checked_user_name, email_key

LIFETIME = timedelta(minutes=10)
CALLBACK = "/auth/oidc/callback"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Oidc:
    """A provider and what is needed beside it. `takes_anyone` lets strangers in."""

    provider: IdentityProvider
    flows: Flows
    takes_anyone: bool = False


def begin(
    platform: Platform,
    oidc: Oidc,
    *,
    browser: str,
    invitation: str | None = None,
    linking: UUID | None = None,
) -> str:
    """The provider's address to go to. `browser` is the secret in a cookie that this browser
    alone has. Raises ProviderAway."""
    flow = Flow(*(secrets.token_urlsafe(32) for _ in range(3)))
    url = oidc.provider.begin(flow, platform.people.link(CALLBACK))
    wanted = hash_secret(invitation) if invitation else None
    expires_at = platform.now() + LIFETIME
    oidc.flows.keep(Away(flow, hash_secret(browser), expires_at, wanted, linking))
    return url


def finish(
    platform: Platform, oidc: Oidc, caller: Caller, *, state: str, code: str, browser: str | None
) -> SignedIn:
    """Raises ProviderAway, NotProven, and Refusal for somebody who is not let in."""
    away = oidc.flows.take(state, platform.now())
    if away is None or browser is None or away.browser != hash_secret(browser):
        raise NotProven(oidc.provider.name, "no such sign-in was begun by this browser")
    try:
        claims = oidc.provider.finish(away.flow, code, platform.people.link(CALLBACK))
    except NotProven as refused:
        log.warning("a sign-in with %s was not proven: %s", oidc.provider.name, refused.reason)
        raise
    if away.linking is not None:
        _link(platform, away.linking, claims)
    known = platform.people.table.user_of(claims.identity)
    if away.invitation is not None:
        return _join(platform, caller, known, claims, away.invitation)
    user = known or _stranger(platform, oidc, claims)
    return start_session(platform, caller, user)


def _join(
    platform: Platform, caller: Caller, known: User | None, claims: Claims, invitation: str
) -> SignedIn:
    """Takes the invitation as the known user or as a new one, if it was for their address."""
    invitee = platform.people.invitees.by_secret(invitation)
    if invitee is None or invitee.expires_at <= platform.now():
        raise no_longer_open()
    mine = [known.email] if known else []
    if claims.email is not None and claims.email_verified:
        mine.append(claims.email)
    if email_key(invitee.email) not in map(email_key, mine):
        raise Refusal(
            RefusalCode.FORBIDDEN,
            "This invitation is for another e-mail address than the one that the provider has "
            "verified. Ask an owner to invite that one, or join with a password.",
        )
    user = known or _new(platform, claims, invitee.email)
    position = accept_invitation(platform, invitee, user.id)
    return replace(start_session(platform, caller, user, invitee.tenant_id), position=position)


def _stranger(platform: Platform, oidc: Oidc, claims: Claims) -> User:
    if not oidc.takes_anyone:
        raise Refusal(
            RefusalCode.FORBIDDEN,
            "Nobody here knows you yet. Ask an owner for an invitation, or sign in by password "
            "and link this sign-in to your account.",
        )
    if claims.email is None or not claims.email_verified:
        raise Refusal(
            RefusalCode.FORBIDDEN,
            "The provider has not verified an e-mail address of yours. Have it verified there.",
        )
    return _new(platform, claims, claims.email)


def _new(platform: Platform, claims: Claims, email: str) -> User:
    """Raises Refusal(NAME_TAKEN) where an account has the address already: it is not linked."""
    if platform.people.table.by_email(email) is not None:
        raise Refusal(
            RefusalCode.NAME_TAKEN,
            "There is an account with your e-mail address already. Sign in to it by password, "
            "then link this sign-in to it.",
        )
    user = add_user(platform, email=email, name=_name_of(claims, email), password=None)
    _link(platform, user.id, claims)
    return user


def _link(platform: Platform, user_id: UUID, claims: Claims) -> None:
    try:
        platform.people.table.link(user_id, claims.identity)
    except IdentityTaken as error:
        raise Refusal(
            RefusalCode.CONFLICT, "This sign-in is linked to another account already."
        ) from error


def _name_of(claims: Claims, email: str) -> str:
    try:
        return checked_user_name((claims.name or "").strip()[:LONGEST_NAME])
    except Refusal:
        return email.partition("@")[0][:LONGEST_NAME]
