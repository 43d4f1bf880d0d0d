"""What is kept about people keeps its promises in PostgreSQL and in memory alike."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from application.people import People
from application.ports.people import EmailTaken, IdentityTaken, Invitee
from application.ports.sessions import IDLE, LONGEST, Session
from application.ports.throttle import Rate
from domain.user import Identity, User
from infrastructure.passwords import Argon2Passwords
from infrastructure.people.in_postgres import people_in
from infrastructure.people.memory import (
    MemoryInvitees,
    MemoryPeople,
    MemorySessions,
    MemoryThrottle,
)
from infrastructure.postgres.database import Database

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHEAP = Argon2Passwords(time_cost=1, memory_kib=64)
SECOND = timedelta(seconds=1)
THREE = Rate(3, timedelta(minutes=1))


@pytest.fixture(params=["memory", "postgres"])
def people(request: pytest.FixtureRequest) -> People:
    if request.param == "postgres":
        database: Database = request.getfixturevalue("database")
        return people_in(database, "http://edgewise.test", CHEAP)
    sessions, invitees = MemorySessions(), MemoryInvitees()
    table = MemoryPeople(sessions, invitees)
    return People(table, invitees, sessions, CHEAP, MemoryThrottle(), lambda path: path)


def a_user(email: str = "ada@example.com") -> User:
    return User(uuid4(), email, "Ada", NOW, "hash")


def added(people: People, email: str = "ada@example.com") -> User:
    user = a_user(email)
    people.table.add(user)
    return user


def a_session(user: User, started_at: datetime = NOW) -> Session:
    return Session(uuid4(), user.id, None, started_at, started_at, started_at + LONGEST, "browser")


def test_a_user_is_found_by_address_in_any_case(people: People) -> None:
    user = added(people, "Ada@Example.com")
    assert people.table.by_email(" ada@example.COM") == user
    assert people.table.by_email("bob@example.com") is None
    assert people.table.named([user.id, uuid4()]) == {user.id: user}


@pytest.mark.parametrize("typed", ["", "\0", "a\0b@example.com", "\ud800@x.y", "'; --", "x" * 5000])
def test_nobody_is_found_by_what_is_no_address(people: People, typed: str) -> None:
    assert people.table.by_email(typed) is None


def test_an_address_is_taken_once(people: People) -> None:
    added(people)
    with pytest.raises(EmailTaken):
        added(people, "ADA@example.com")


def test_of_users_who_register_one_address_at_once_one_wins(people: People) -> None:
    def attempt(_: int) -> bool:
        try:
            added(people)
        except EmailTaken:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(attempt, range(12))) == 1


def test_an_identity_belongs_to_one_user(people: People) -> None:
    ada, bob = added(people), added(people, "bob@example.com")
    identity = Identity("https://issuer.test", "42")
    people.table.link(ada.id, identity)
    people.table.link(ada.id, identity)
    with pytest.raises(IdentityTaken):
        people.table.link(bob.id, identity)
    assert people.table.user_of(identity) == ada
    assert people.table.user_of(Identity("https://other.test", "42")) is None


def test_nothing_is_left_of_an_erased_user(people: People) -> None:
    ada, bob = added(people), added(people, "bob@example.com")
    identity, invitee = Identity("https://issuer.test", "42"), an_invitee("ADA@example.com")
    people.table.link(ada.id, identity)
    people.invitees.keep(invitee)
    people.sessions.start(a_session(ada), "s")
    assert people.table.erase(ada.id)
    assert people.table.named([ada.id, bob.id]) == {bob.id: bob}
    assert people.table.user_of(identity) is None
    assert people.invitees.by_secret(invitee.sha256) is None
    assert people.sessions.find("s", NOW) is None
    assert not people.table.erase(ada.id)
    added(people)


def an_invitee(email: str = "ada@example.com") -> Invitee:
    return Invitee(uuid4(), uuid4(), email, uuid4().hex, NOW + timedelta(days=7))


def test_an_invitation_has_one_link(people: People) -> None:
    invitee = an_invitee()
    assert people.invitees.keep(invitee)
    assert not people.invitees.keep(replace(invitee, sha256="another"))
    assert people.invitees.by_secret(invitee.sha256) == invitee
    assert people.invitees.by_secret("another") is None
    assert people.invitees.named([invitee.invitation_id]) == {invitee.invitation_id: invitee}
    people.invitees.forget(invitee.invitation_id)
    assert people.invitees.by_secret(invitee.sha256) is None


def test_a_session_is_found_by_its_secret_until_it_is_idle_for_too_long(people: People) -> None:
    session = a_session(added(people))
    people.sessions.start(session, "s")
    half = NOW + IDLE - SECOND
    assert people.sessions.find("x", NOW) is None
    assert people.sessions.find("s", half) == session
    later = people.sessions.find("s", half + IDLE - SECOND)
    assert later is not None
    assert later.seen_at == half
    assert people.sessions.find("s", half + 3 * IDLE) is None


def test_a_session_ends_however_often_it_is_used(people: People) -> None:
    session = a_session(added(people))
    people.sessions.start(session, "s")
    moment = NOW
    while moment < session.expires_at:
        assert people.sessions.find("s", moment) is not None
        moment += IDLE / 2
    assert people.sessions.find("s", session.expires_at) is None


def test_a_new_session_takes_the_place_of_the_old_one(people: People) -> None:
    user = added(people)
    old, new = a_session(user), a_session(user)
    people.sessions.start(old, "old")
    people.sessions.start(new, "new", instead_of=old.id)
    assert people.sessions.find("old", NOW) is None
    assert people.sessions.of_user(user.id, NOW) == [new]


def test_sessions_end_one_by_one_all_but_one_and_only_ones_own(people: People) -> None:
    ada, bob = added(people), added(people, "bob@example.com")
    own = [a_session(ada, NOW + number * SECOND) for number in range(4)]
    for number, session in enumerate(own):
        people.sessions.start(session, f"s{number}")
    people.sessions.start(a_session(bob), "bob")
    assert list(people.sessions.of_user(ada.id, NOW)) == own[::-1]
    assert people.sessions.end(bob.id, own[0].id) == 0
    assert people.sessions.end(ada.id, own[0].id) == 1
    assert people.sessions.end(ada.id, own[0].id) == 0
    assert people.sessions.end(ada.id, but=own[3].id) == 2
    assert list(people.sessions.of_user(ada.id, NOW)) == [own[3]]
    assert people.sessions.end(ada.id) == 1
    assert people.sessions.find("bob", NOW) is not None


@dataclass
class Tries:
    """Tries of one key at a moment."""

    people: People
    rate: Rate = THREE

    def at(self, seconds: float, *keys: str) -> timedelta | None:
        rates = dict.fromkeys(keys or ("k",), self.rate)
        return self.people.throttle.take(rates, NOW + timedelta(seconds=seconds))


def test_a_burst_is_allowed_and_then_one_try_at_a_time(people: People) -> None:
    tries = Tries(people)
    assert [tries.at(0) for _ in range(4)] == [None, None, None, timedelta(minutes=1)]
    assert tries.at(59) == SECOND
    assert tries.at(60) is None
    assert tries.at(60) == timedelta(minutes=1)
    assert [tries.at(600) for _ in range(3)] == [None] * 3


def test_what_is_refused_costs_nothing(people: People) -> None:
    tries = Tries(people)
    for _ in range(3):
        tries.at(0, "full")
    assert [tries.at(0, "full", "other") is None for _ in range(5)] == [False] * 5
    assert [tries.at(0, "other") is None for _ in range(4)] == [True, True, True, False]


def test_forgiven_tries_are_gone(people: People) -> None:
    tries = Tries(people)
    for _ in range(4):
        tries.at(0)
    people.throttle.forget("k")
    assert tries.at(0) is None


def test_tries_at_the_same_instant_do_not_slip_through(people: People) -> None:
    tries = Tries(people)
    with ThreadPoolExecutor(6) as pool:
        allowed = list(pool.map(lambda _: tries.at(0, "a", "b") is None, range(24)))
    assert sum(allowed) == 3


def test_a_tenant_is_listed_for_its_members_alone(people: People) -> None:
    nobody: UUID = uuid4()
    assert list(people.table.of(nobody)) == []
