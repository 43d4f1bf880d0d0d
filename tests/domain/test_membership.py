"""However members come, change and go, a tenant that had an owner never is without one."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.cause import Cause, acting
from domain.invitation import LIFETIME, Invitation
from domain.plan import Plan
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode
from domain.tenant import Tenant

TENANT = UUID("11111111-1111-4111-8111-111111111111")
CAUSE = Cause(TENANT, "user:test", "request:1", "1")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
users = st.sampled_from([UUID(int=number) for number in range(1, 5)])
roles = st.sampled_from(list(Role))


class Membership(RuleBasedStateMachine):
    """A tenant beside a plain dictionary that says what its members should be."""

    def __init__(self) -> None:
        super().__init__()
        with acting(CAUSE):
            self.tenant = Tenant.register(TENANT, "Acme", Plan.FREE, "")
        self.expected: dict[str, Role] = {}
        self.had_owner = False

    def _is_last_owner(self, user: UUID) -> bool:
        owners = [id for id, role in self.expected.items() if role is Role.OWNER]
        return owners == [str(user)]

    @rule(user=users, role=roles)
    def join(self, user: UUID, role: Role) -> None:
        has = self.expected.get(str(user))
        with acting(CAUSE):
            if has is not None and has is not role:
                with pytest.raises(Refusal):
                    self.tenant.add_member(user, role)
                return
            self.tenant.add_member(user, role)
        self.expected[str(user)] = role

    @rule(user=users, role=roles)
    def change(self, user: UUID, role: Role) -> None:
        has = self.expected.get(str(user))
        refused = has is None or (role is not has and self._is_last_owner(user))
        with acting(CAUSE):
            if refused:
                with pytest.raises(Refusal):
                    self.tenant.change_role(user, role)
                return
            self.tenant.change_role(user, role)
        self.expected[str(user)] = role

    @rule(user=users)
    def leave(self, user: UUID) -> None:
        with acting(CAUSE):
            if self._is_last_owner(user):
                with pytest.raises(Refusal):
                    self.tenant.remove_member(user)
                return
            self.tenant.remove_member(user)
        self.expected.pop(str(user), None)

    @invariant()
    def the_members_are_who_they_should_be(self) -> None:
        assert self.tenant.members == self.expected

    @invariant()
    def it_never_is_without_an_owner_again(self) -> None:
        owned = Role.OWNER in self.tenant.members.values()
        assert owned or not self.had_owner
        self.had_owner = owned

    @invariant()
    def the_events_tell_the_same(self) -> None:
        replayed = None
        for event in self.tenant.pending_events:
            replayed = event.mutate(replayed)
        assert isinstance(replayed, Tenant)
        assert replayed.members == self.tenant.members


TestMembership = Membership.TestCase
TestMembership.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def an_invitation() -> Invitation:
    return Invitation.send(uuid4(), Role.OPERATOR, NOW + LIFETIME, "")


def test_an_invitation_is_taken_once() -> None:
    invitation, ada = an_invitation(), uuid4()
    invitation.accept(ada, NOW)
    invitation.accept(ada, NOW)
    assert [type(event).__name__ for event in invitation.pending_events] == ["Sent", "Accepted"]
    with pytest.raises(Refusal) as refused:
        invitation.accept(uuid4(), NOW)
    assert refused.value.code is RefusalCode.INVALID_STATE


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=400)])
def test_an_invitation_that_is_too_old_cannot_be_taken(late: timedelta) -> None:
    with pytest.raises(Refusal):
        an_invitation().accept(uuid4(), NOW + LIFETIME + late)


def test_a_withdrawn_invitation_cannot_be_taken_nor_a_taken_one_withdrawn() -> None:
    withdrawn, taken = an_invitation(), an_invitation()
    withdrawn.withdraw()
    withdrawn.withdraw()
    with pytest.raises(Refusal):
        withdrawn.accept(uuid4(), NOW)
    taken.accept(uuid4(), NOW)
    with pytest.raises(Refusal):
        taken.withdraw()
