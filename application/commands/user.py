"""What is done to users as such, outside any tenant: made, given another password, erased.

These are acts of the users themselves or of the operator, so no role in a tenant is asked for.
"""

from uuid import UUID, uuid4

from application.commands.command import load, retrying
from application.platform import Platform
from application.ports.people import EmailTaken
from domain.cause import Cause, acting
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode, not_found
from domain.tenant import Tenant
from domain.user import User, checked_email, checked_password, checked_user_name


def add_user(platform: Platform, *, email: str, name: str, password: str | None) -> User:
    """Without a password, only an identity provider can say who it is. Raises
    Refusal(INVALID), Refusal(NAME_TAKEN)."""
    email, name = checked_email(email), checked_user_name(name)
    hashed = None
    if password is not None:
        password = checked_password(password, email, name)
        hashed = platform.people.passwords.hash(password)
    user = User(uuid4(), email, name, platform.now(), hashed)
    try:
        platform.people.table.add(user)
    except EmailTaken as error:
        raise Refusal(
            RefusalCode.NAME_TAKEN, "A user with this e-mail address exists already.", "email"
        ) from error
    return user


def require_tenant(platform: Platform, tenant_id: UUID) -> None:
    """Raises Refusal(NOT_FOUND)."""
    with acting(_operator(tenant_id)):
        load(platform, Tenant, tenant_id, "tenant", "tenant")


def join_by_operator(platform: Platform, user_id: UUID, tenant_id: UUID, role: Role) -> int:
    """The operator makes somebody a member of any tenant; returns the position."""

    def join() -> int:
        tenant = load(platform, Tenant, tenant_id, "tenant", "tenant")
        tenant.add_member(user_id, role)
        return platform.log.save(tenant)

    with acting(_operator(tenant_id)):
        return retrying(join)


def set_password(platform: Platform, user: User, password: str) -> None:
    """Raises Refusal(INVALID)."""
    password = checked_password(password, user.email, user.name)
    platform.people.table.set_password(user.id, platform.people.passwords.hash(password))


def erase_user(platform: Platform, user_id: UUID) -> None:
    """Leaves every tenant, then removes what is known of the user; events keep the id. Raises
    Refusal(NOT_FOUND), and Refusal(INVALID_STATE) where the user is some tenant's last owner:
    nothing is removed then. Repeating it after a crash finishes it."""
    table = platform.people.table
    if user_id not in table.named([user_id]):
        raise not_found("user", "user")
    tenants = [membership.tenant_id for membership in table.of(user_id)]
    for tenant_id in tenants:
        _leave(platform, tenant_id, user_id, really=False)
    for tenant_id in tenants:
        _leave(platform, tenant_id, user_id, really=True)
    table.erase(user_id)


def _leave(platform: Platform, tenant_id: UUID, user_id: UUID, *, really: bool) -> None:
    """Or looks whether that can be done."""

    def leave() -> None:
        tenant = load(platform, Tenant, tenant_id, "tenant")
        try:
            tenant.remove_member(user_id)
        except Refusal as refusal:
            words = f"The user is the last owner of “{tenant.name}”. Make another owner first."
            raise Refusal(refusal.code, words, "user") from refusal
        if really:
            platform.log.save(tenant)

    with acting(_operator(tenant_id)):
        retrying(leave)


def _operator(tenant_id: UUID) -> Cause:
    request_id = str(uuid4())
    return Cause(tenant_id, "operator", f"request:{request_id}", request_id)
