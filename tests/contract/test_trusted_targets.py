"""What repositories of targets promise, in memory and in PostgreSQL with keys in files."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tuf.api.metadata import Metadata, Root

from application.ports.trusted_targets import MOST_TARGETS, Target, TrustRole
from domain.refusal import Refusal, RefusalCode
from edge.protocol.updates import TENANT_FIELD
from infrastructure.postgres.database import Database
from infrastructure.tuf import repositories as tuf_repositories
from infrastructure.tuf.in_postgres import PostgresShelves
from infrastructure.tuf.key_files import FileKeys
from infrastructure.tuf.keys import MemoryKeys
from infrastructure.tuf.repositories import Repositories
from infrastructure.tuf.shelves import MemoryShelves
from tests.contract.signed_targets import LIFETIMES, Trusted, target
from tests.patience import PATIENCE


@pytest.fixture(params=["memory", "postgres"])
def trusted(request: pytest.FixtureRequest, tmp_path: Path) -> Trusted:
    if request.param == "memory":
        shelves, keys = MemoryShelves(), MemoryKeys()
        return Trusted(lambda now: Repositories(shelves, keys, now))
    database: Database = request.getfixturevalue("database")
    return Trusted(
        lambda now: Repositories(
            PostgresShelves(database), FileKeys(tmp_path / "keys", {}, lambda name: ""), now
        )
    )


def test_what_is_published_is_in_signed_metadata(trusted: Trusted) -> None:
    tenant, one = uuid4(), target("one")
    trusted.repositories.publish(tenant, [one, target("two")])
    assert trusted.is_whole(tenant)
    signed = trusted.signed(tenant, "targets")["targets"]
    assert signed[f"sha256/{one.sha256}"] == {"length": 3, "hashes": {"sha256": one.sha256}}
    assert trusted.repositories.published(tenant, one.sha256) == one
    assert len(signed) == 2


def test_a_repository_begins_when_it_is_asked_for_its_root(trusted: Trusted) -> None:
    tenant = uuid4()
    assert trusted.repositories.metadata(tenant, TrustRole.TIMESTAMP, None) is None
    first = trusted.repositories.root(tenant)
    assert trusted.another().root(tenant) == first
    assert trusted.is_whole(tenant)
    assert trusted.versions(tenant) == dict.fromkeys(LIFETIMES, 1)
    assert trusted.signed(tenant, "targets")["targets"] == {}
    assert tenant in trusted.repositories.tenants()


def test_root_and_online_keys_are_two(trusted: Trusted) -> None:
    root = json.loads(trusted.repositories.root(uuid4()))["signed"]
    signers = {role: tuple(given["keyids"]) for role, given in root["roles"].items()}
    assert signers["targets"] == signers["snapshot"] == signers["timestamp"] != signers["root"]
    assert root["consistent_snapshot"] is True


def test_publishing_again_changes_nothing(trusted: Trusted) -> None:
    tenant = uuid4()
    trusted.repositories.publish(tenant, [target("one")])
    before = trusted.versions(tenant)
    trusted.repositories.publish(tenant, [target("one")])
    trusted.repositories.publish(tenant, [])
    assert trusted.versions(tenant) == before
    trusted.repositories.publish(tenant, [target("one"), target("two"), target("two")])
    assert trusted.versions(tenant) == {
        "root": 1, **dict.fromkeys(("targets", "snapshot", "timestamp"), before["targets"] + 1)
    }  # fmt: skip


def test_the_same_content_of_another_size_is_refused(trusted: Trusted) -> None:
    tenant, one = uuid4(), target("one")
    trusted.repositories.publish(tenant, [one])
    before = trusted.versions(tenant)
    with pytest.raises(Refusal) as refused:
        trusted.repositories.publish(tenant, [Target.of(one.sha256, 4), target("new")])
    assert refused.value.code is RefusalCode.INVALID_STATE
    assert trusted.versions(tenant) == before
    assert trusted.repositories.published(tenant, target("new").sha256) is None


def test_a_tenant_sees_its_own_targets_alone(trusted: Trusted) -> None:
    one, other = uuid4(), uuid4()
    trusted.repositories.publish(one, [target("mine")])
    trusted.repositories.publish(other, [target("theirs")])
    assert trusted.repositories.published(other, target("mine").sha256) is None
    assert list(trusted.signed(other, "targets")["targets"]) == [target("theirs").path]
    for tenant in (one, other):
        for role in LIFETIMES:
            assert trusted.signed(tenant, role)[TENANT_FIELD] == str(tenant)
    assert (
        trusted.signed(one, "root")["keys"].keys().isdisjoint(trusted.signed(other, "root")["keys"])
    )


def test_what_is_withdrawn_is_no_target_until_it_is_published_again(trusted: Trusted) -> None:
    tenant, one, two, three = uuid4(), target("one"), target("two"), target("three")
    trusted.repositories.publish(tenant, [one, two])
    trusted.now += timedelta(hours=1)
    trusted.repositories.publish(tenant, [three])
    assert trusted.repositories.withdraw(tenant, [two.sha256, target("other").sha256]) == 1
    assert trusted.is_whole(tenant)
    assert trusted.signed(tenant, "targets")["targets"].keys() == {one.path, three.path}
    assert trusted.repositories.withdraw(tenant, before=trusted.now) == 1
    assert trusted.signed(tenant, "targets")["targets"].keys() == {three.path}
    assert trusted.repositories.published(tenant, one.sha256) is None
    before = trusted.versions(tenant)
    assert trusted.repositories.withdraw(tenant, [one.sha256]) == 0
    assert trusted.versions(tenant) == before
    trusted.repositories.publish(tenant, [one])
    assert trusted.signed(tenant, "targets")["targets"].keys() == {one.path, three.path}
    assert trusted.is_whole(tenant)


def test_publishers_at_once_all_succeed(trusted: Trusted) -> None:
    tenant = uuid4()
    writers = [trusted.another() for _ in range(4)]
    start = threading.Barrier(len(writers))

    def publish(number: int) -> None:
        start.wait(PATIENCE)
        for turn in range(5):
            writers[number].publish(tenant, [target(f"{number} {turn}"), target(f"all {turn}")])
            assert trusted.is_whole(tenant)

    with ThreadPoolExecutor(len(writers)) as pool:
        list(pool.map(publish, range(len(writers))))
    assert len(trusted.signed(tenant, "targets")["targets"]) == 25
    assert trusted.is_whole(tenant)


def test_what_a_crash_interrupts_was_never_there(
    trusted: Trusted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each of the writes, in turn, until one goes through."""
    tenant = uuid4()
    trusted.repositories.publish(tenant, [target("before")])
    before, repository = trusted.versions(tenant), tuf_repositories.TenantRepository
    whole = repository.close

    for write in range(3):
        done = 0

        def close(self: Any, role: str, md: Any, last: int = write) -> None:
            nonlocal done
            if done == last:
                raise KeyboardInterrupt
            done += 1
            whole(self, role, md)

        monkeypatch.setattr(repository, "close", close)
        with pytest.raises(KeyboardInterrupt):
            trusted.repositories.publish(tenant, [target("after")])
        assert trusted.is_whole(tenant)
        assert trusted.versions(tenant) == before
        assert trusted.repositories.published(tenant, target("after").sha256) is None
    monkeypatch.setattr(repository, "close", whole)
    trusted.repositories.publish(tenant, [target("after")])
    assert trusted.is_whole(tenant)
    assert trusted.repositories.published(tenant, target("after").sha256) is not None


def test_each_role_lives_as_long_as_it_should(trusted: Trusted) -> None:
    tenant = uuid4()
    trusted.repositories.root(tenant)
    for one in trusted.repositories.state(tenant).roles:
        lives = one.expires_at - trusted.now
        assert abs(lives - timedelta(days=LIFETIMES[one.role])) < timedelta(seconds=2)


@pytest.mark.parametrize(
    ("hours", "roles", "times"),
    [(11, ["snapshot", "timestamp"], 60), (24 * 44, ["root", "targets"], 18)],
)
def test_nothing_expires_while_the_keeper_looks(
    trusted: Trusted, hours: int, roles: list[str], times: int
) -> None:
    """Every eleven hours for a month, and every six weeks for two years."""
    tenant = uuid4()
    trusted.repositories.publish(tenant, [target("one")])
    before = trusted.versions(tenant)
    for _ in range(times):
        trusted.now += timedelta(hours=hours)
        state = trusted.repositories.state(tenant)
        assert all(one.expires_at > trusted.now for one in state.roles if one.role in roles)
        trusted.repositories.renew()
        assert all(one.expires_at > trusted.now for one in trusted.repositories.state(tenant).roles)
    assert trusted.is_whole(tenant)
    assert all(trusted.versions(tenant)[role] > before[role] + 1 for role in roles)
    assert trusted.signed(tenant, "targets")["targets"].keys() == {target("one").path}


def test_the_keeper_leaves_alone_what_is_fresh(trusted: Trusted) -> None:
    tenant = uuid4()
    trusted.repositories.root(tenant)
    before = trusted.versions(tenant)
    assert trusted.repositories.renew() == 0
    trusted.now += timedelta(hours=13)
    assert trusted.repositories.renew() > 0
    assert trusted.versions(tenant) == {**before, "timestamp": before["timestamp"] + 1}
    assert trusted.repositories.renew() == 0


def test_two_keepers_sign_once(trusted: Trusted) -> None:
    tenant = uuid4()
    trusted.repositories.root(tenant)
    before = trusted.versions(tenant)["timestamp"]
    trusted.now += timedelta(hours=13)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one.renew(), [trusted.another(), trusted.another()]))
    assert trusted.versions(tenant)["timestamp"] == before + 1


@pytest.mark.parametrize("role", ["root", "online"])
def test_a_new_key_signs_from_then_on(trusted: Trusted, role: str) -> None:
    tenant = uuid4()
    trusted.repositories.publish(tenant, [target("one")])
    old = Metadata[Root].from_bytes(trusted.repositories.root(tenant))
    state = trusted.repositories.rotate(tenant, root=role == "root")
    new = Metadata[Root].from_bytes(trusted.repositories.root(tenant))
    assert trusted.is_whole(tenant)
    assert new.signed.version == old.signed.version + 1
    old.verify_delegate("root", new)
    changed = {
        name for name in LIFETIMES if old.signed.roles[name].keyids != new.signed.roles[name].keyids
    }
    assert changed == ({"root"} if role == "root" else {"targets", "snapshot", "timestamp"})
    assert all(set(one.key_ids) <= state.keys.keys() for one in state.roles)
    trusted.another().publish(tenant, [target("two")])
    assert trusted.is_whole(tenant)
    assert len(trusted.signed(tenant, "targets")["targets"]) == 2


def test_all_roots_stay(trusted: Trusted) -> None:
    tenant = uuid4()
    trusted.repositories.root(tenant)
    for number in range(3):
        trusted.repositories.rotate(tenant, root=number % 2 == 0)
    assert [trusted.signed(tenant, "root", one)["version"] for one in range(1, 5)] == [1, 2, 3, 4]
    assert trusted.signed(tenant, "root", 5) is None


def test_more_than_devices_are_asked_to_read_is_refused(trusted: Trusted) -> None:
    tenant = uuid4()
    many = [target(str(number)) for number in range(MOST_TARGETS)]
    trusted.repositories.publish(tenant, many)
    with pytest.raises(Refusal) as refused:
        trusted.repositories.publish(tenant, [target("one more")])
    assert refused.value.code is RefusalCode.TOO_LARGE
    assert trusted.repositories.published(tenant, target("one more").sha256) is None
    trusted.repositories.publish(tenant, many[:3])


@pytest.mark.parametrize(
    ("path", "sha256", "size"),
    [
        ("sha256/" + "0" * 64, "1" * 64, 1),
        ("../" + "0" * 64, "0" * 64, 1),
        ("sha256/0", "0", 1),
        ("sha256/" + "A" * 64, "A" * 64, 1),
        ("sha256/" + "0" * 64, "0" * 64, -1),
    ],
)
def test_a_target_is_named_by_its_content(path: str, sha256: str, size: int) -> None:
    with pytest.raises(ValueError, match="target"):
        Target(path, sha256, size)
