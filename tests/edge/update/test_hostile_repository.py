"""What a device is served, and refuses by name: frozen, older, mixed, endless, of other tenants,
with roots that are not the next."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.protocol.updates import Problem
from edge.update.trust import LONGEST_ROOT, Untrusted
from infrastructure.tuf.keys import MemoryKeys
from tests.edge.update.repository import (
    FACTS,
    MODEL,
    Device,
    Mirror,
    Signing,
    believed,
    flipped,
    problem,
)


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "root"])
def test_metadata_that_nobody_signed_is_refused(device: Device, mirror: Mirror, role: str) -> None:
    mirror.signing.rotate(root=True)
    name = "timestamp.json" if role == "timestamp" else "2." + role + ".json"
    changed = json.loads(mirror.signing.file(name))
    changed["signed"]["expires"] = "2999-01-01T00:00:00Z"
    mirror.instead[name] = json.dumps(changed, separators=(",", ":")).encode()
    by_hash = role in ("snapshot", "targets")
    assert problem(device) is (Problem.WRONG_HASH if by_hash else Problem.WRONG_SIGNATURE)


def test_metadata_signed_by_another_key_is_refused(device: Device, mirror: Mirror) -> None:
    stranger = Signing(now=mirror.signing.now, tenant=mirror.signing.tenant)
    stranger.publish()
    mirror.instead["timestamp.json"] = stranger.file("timestamp.json")
    assert problem(device) is Problem.WRONG_SIGNATURE


def test_a_platform_that_shows_nothing_new_is_found_out_in_a_day(
    device: Device, mirror: Mirror
) -> None:
    device.trust.refresh()
    mirror.freeze()
    mirror.signing.now += timedelta(hours=23)
    device.trust.refresh()
    mirror.signing.now += timedelta(hours=2)
    assert problem(device) is Problem.EXPIRED_METADATA


@pytest.mark.parametrize("role", ["snapshot", "targets", "root"])
def test_other_metadata_that_has_expired_is_refused(
    device: Device, mirror: Mirror, role: str
) -> None:
    """Under a timestamp that has not: the platform's keeper slept, or lacks a key."""
    signing = mirror.signing
    expired = signing.now - timedelta(days=1)

    def expire(signed: Any) -> None:
        signed.version += 1
        signed.expires = expired.replace(microsecond=0)

    forged = signing.signed_anew(role, expire)
    mirror.instead[f"{signing.newest(role) + 1}.{role}.json"] = forged
    if role != "root":
        mirror.name(role, forged)
    assert problem(device) is Problem.EXPIRED_METADATA


def test_metadata_older_than_what_was_seen_is_refused(device: Device, mirror: Mirror) -> None:
    mirror.freeze()
    mirror.signing.publish_more()
    earlier = mirror.instead.pop("timestamp.json")
    device.trust.refresh()
    mirror.instead["timestamp.json"] = earlier
    assert problem(device) is Problem.OLDER_METADATA


def test_targets_older_than_what_was_seen_are_refused_whoever_signs(
    device: Device, mirror: Mirror
) -> None:
    signing = mirror.signing
    signing.publish_more()
    device.trust.refresh()
    older = signing.newest("targets") - 1

    def back(signed: Any) -> None:
        signed.version += 1
        signed.meta["targets.json"].version = older

    forged = signing.signed_anew("snapshot", back)
    mirror.instead[f"{signing.newest('snapshot') + 1}.snapshot.json"] = forged
    mirror.name("snapshot", forged)
    assert problem(device) is Problem.OLDER_METADATA


@pytest.mark.parametrize("role", ["snapshot", "targets"])
def test_metadata_of_another_time_is_refused(device: Device, mirror: Mirror, role: str) -> None:
    """Signed by the platform, and not what goes with the rest."""
    other = mirror.signing.file(f"{mirror.signing.newest(role)}.{role}.json")
    mirror.signing.publish_more()
    mirror.instead[f"{mirror.signing.newest(role)}.{role}.json"] = other
    assert problem(device) is Problem.MIX_AND_MATCH


def test_another_tenants_repository_is_refused(device: Device, mirror: Mirror) -> None:
    other = Signing(now=mirror.signing.now)
    other.publish()
    mirror.signing = other
    assert problem(device) is Problem.WRONG_SIGNATURE


class SharedKeys(MemoryKeys):
    """As in an HSM that has one key for all tenants."""

    def next(self, tenant_id: Any, use: Any, uri: str | None) -> Any:
        return super().next(None, use, uri)  # type: ignore[arg-type]

    def current(self, tenant_id: Any, use: Any) -> Any:
        return super().current(None, use)  # type: ignore[arg-type]

    def signer(self, tenant_id: Any, key_id: str) -> Any:
        return super().signer(None, key_id)  # type: ignore[arg-type]


def test_another_tenants_repository_is_refused_though_one_key_signs_both(tmp_path: Path) -> None:
    keys = SharedKeys()
    own = Signing(keys=keys)
    own.publish()
    other = Signing(now=own.now, keys=keys)
    other.publish_more()
    other.rotate(root=True)
    for hidden in ({}, {"2.root.json": None}):
        device = Device(tmp_path / str(len(hidden)), Mirror(own))
        device.trust.install_root(own.root)
        device.mirror = Mirror(other, dict(hidden))
        with pytest.raises(Untrusted, match="tenant") as refused:
            device.trust.refresh()
        assert refused.value.problem is Problem.WRONG_SIGNATURE
        device.mirror = Mirror(own)
        assert device.trust.facts(MODEL.path) == FACTS


@pytest.mark.parametrize(
    "name", ["2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"]
)
def test_data_without_end_is_cut_off(device: Device, mirror: Mirror, name: str) -> None:
    taken = 0

    def endless(most: int) -> bytes:
        nonlocal taken
        taken = most
        return b" " * most

    mirror.instead[name] = endless
    assert problem(device) is Problem.WRONG_SIZE
    assert 0 < taken <= LONGEST_ROOT + 1


def test_a_platform_that_cannot_be_reached_is_no_attack(device: Device, mirror: Mirror) -> None:
    mirror.away = True
    assert problem(device) is Problem.UNREACHABLE
    mirror.away = False
    mirror.instead["2.targets.json"] = None
    assert problem(device) is Problem.UNREACHABLE
    mirror.instead.clear()
    assert device.trust.facts(MODEL.path) == FACTS


@settings(max_examples=200)
@given(name=st.sampled_from(["timestamp", "2.snapshot", "2.targets"]), place=st.floats(0, 0.999))
def test_one_wrong_bit_never_changes_what_is_believed(
    tmp_path_factory: pytest.TempPathFactory, name: str, place: float
) -> None:
    signing = Signing()
    signing.publish()
    mirror = Mirror(signing)
    device = Device(tmp_path_factory.mktemp("bit") / "trust", mirror)
    device.trust.install_root(signing.root)
    content = signing.file(f"{name}.json")
    mirror.instead[f"{name}.json"] = flipped(content, int(place * len(content)))
    assert believed(device) in (FACTS, Problem.WRONG_SIGNATURE, Problem.WRONG_HASH)
    mirror.instead.clear()
    assert device.trust.facts(MODEL.path) == FACTS


# Roots


def test_a_device_that_was_off_follows_the_chain_of_roots(device: Device, mirror: Mirror) -> None:
    for root in (True, True, False, True, False):
        mirror.signing.rotate(root)
    mirror.signing.publish_more()
    assert device.trust.facts(MODEL.path) == FACTS
    mirror.asked.clear()
    assert device.trust.facts(MODEL.path) == FACTS
    assert mirror.asked == ["7.root.json", "timestamp.json"]


def test_a_device_that_saw_the_old_keys_goes_over_to_the_new(
    device: Device, mirror: Mirror
) -> None:
    device.trust.refresh()
    mirror.signing.rotate(root=False)
    assert device.trust.facts(MODEL.path) == FACTS


def test_what_the_replaced_keys_sign_is_refused(device: Device, mirror: Mirror) -> None:
    mirror.freeze()
    mirror.signing.rotate(root=False)
    assert problem(device) is Problem.WRONG_SIGNATURE


@pytest.mark.parametrize("rotated", ["root", "online"])
def test_a_chain_of_roots_with_a_gap_is_refused(
    device: Device, mirror: Mirror, rotated: str
) -> None:
    """The third root in the place of the second: where one key signed both it is still no next."""
    mirror.signing.rotate(root=rotated == "root")
    mirror.signing.rotate(root=rotated == "root")
    mirror.instead["2.root.json"] = mirror.signing.file("3.root.json")
    known = {"root": Problem.WRONG_SIGNATURE, "online": Problem.MIX_AND_MATCH}
    assert problem(device) is known[rotated]


def test_hiding_a_new_root_freezes_a_device_for_no_more_than_a_day(
    device: Device, mirror: Mirror
) -> None:
    mirror.instead["2.root.json"] = None
    mirror.freeze()
    mirror.signing.rotate(root=False)
    device.trust.refresh()
    mirror.signing.now += timedelta(hours=25)
    assert problem(device) is Problem.EXPIRED_METADATA


def test_an_older_root_in_the_place_of_the_next_is_refused(device: Device, mirror: Mirror) -> None:
    mirror.instead["2.root.json"] = mirror.signing.file("1.root.json")
    assert problem(device) is Problem.OLDER_METADATA


def test_only_a_root_that_signs_itself_is_pinned(device: Device, mirror: Mirror) -> None:
    good = json.loads(mirror.signing.root)
    good["signed"]["version"] = 2
    for bad in (b"", b"{}", b" " * (LONGEST_ROOT + 1), mirror.signing.file("timestamp.json"),
                json.dumps(good).encode()):  # fmt: skip
        with pytest.raises(Untrusted):
            device.trust.install_root(bad)
    assert device.trust.facts(MODEL.path) == FACTS
