"""Plans, flags, members and keys of a tenant."""

from uuid import UUID, uuid4

import pytest

from domain.flag import Flag
from domain.plan import Plan
from domain.principal import Principal, Role
from domain.refusal import Refusal, RefusalCode
from domain.tenant import Tenant

TENANT = UUID("11111111-1111-4111-8111-111111111111")


def tenant() -> Tenant:
    return Tenant.register(TENANT, "Acme", Plan.FREE, "")


def test_an_event_keeps_the_hash_of_a_key_and_never_its_secret() -> None:
    acme, key = tenant(), uuid4()
    acme.issue_key(key, "ci", Role.OPERATOR, "ab" * 32)
    assert acme.keys[str(key)].sha256 == "ab" * 32
    assert acme.keys[str(key)].role is Role.OPERATOR


def test_revoking_a_key_twice_is_one_event() -> None:
    acme, key = tenant(), uuid4()
    acme.issue_key(key, "ci", Role.OPERATOR, "ab" * 32)
    acme.revoke_key(key)
    acme.revoke_key(key)
    assert sum(isinstance(event, Tenant.ApiKeyRevoked) for event in acme.pending_events) == 1
    assert acme.keys[str(key)].revoked_at is not None


def test_a_key_of_somebody_else_is_not_found() -> None:
    with pytest.raises(Refusal) as refused:
        tenant().revoke_key(uuid4())
    assert refused.value.code is RefusalCode.NOT_FOUND


def test_a_hundred_keys_are_enough() -> None:
    acme = tenant()
    for number in range(100):
        acme.issue_key(uuid4(), f"key {number}", Role.VIEWER, f"{number:064x}")
    with pytest.raises(Refusal):
        acme.issue_key(uuid4(), "one more", Role.VIEWER, "f" * 64)


def test_the_last_owner_cannot_leave() -> None:
    acme, owner = tenant(), uuid4()
    acme.add_member(owner, Role.OWNER)
    with pytest.raises(Refusal) as refused:
        acme.remove_member(owner)
    assert refused.value.code is RefusalCode.INVALID_STATE


def test_a_flag_goes_back_to_the_environment() -> None:
    acme = tenant()
    acme.set_flag(Flag.MODELS, False)
    acme.set_flag(Flag.MODELS, None)
    assert acme.flags == {}


def test_setting_what_is_set_already_is_no_event() -> None:
    acme = tenant()
    before = acme.version
    acme.change_plan(Plan.FREE)
    acme.set_flag(Flag.MODELS, None)
    assert acme.version == before


@pytest.mark.parametrize(
    ("has", "needs", "may"),
    [
        (Role.OWNER, Role.VIEWER, True),
        (Role.OWNER, Role.OWNER, True),
        (Role.OPERATOR, Role.OWNER, False),
        (Role.VIEWER, Role.OPERATOR, False),
        (Role.VIEWER, Role.VIEWER, True),
    ],
)
def test_each_role_includes_the_ones_below_it(has: Role, needs: Role, may: bool) -> None:
    principal = Principal(TENANT, "key:x", has)
    if may:
        principal.require(needs)
    else:
        with pytest.raises(Refusal):
            principal.require(needs)
