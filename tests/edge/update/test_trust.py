"""What a device believes of targets: by its platform's time, and after damage and power cuts."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from edge.clock import DeviceClock
from edge.protocol.topics import Address
from edge.protocol.updates import Problem
from edge.update.trust import Trust, Untrusted
from tests.edge.running import ROOT
from tests.edge.update.repository import FACTS, MODEL, YEAR, Device, Mirror, Signing, problem


def test_what_the_platform_published_is_known_by_its_content(device: Device) -> None:
    assert device.trust.facts(MODEL.path) == FACTS


def test_a_target_that_is_not_published_is_unknown(device: Device) -> None:
    with pytest.raises(Untrusted) as refused:
        device.trust.facts("sha256/" + "0" * 64)
    assert refused.value.problem is Problem.UNKNOWN_TARGET


def test_what_is_published_later_is_known_after_the_next_look(device: Device) -> None:
    trust = device.trust
    trust.refresh()
    device.mirror.signing.publish_more()
    trust.refresh()
    assert trust.facts(MODEL.path) == FACTS


def test_what_has_not_changed_is_not_read_again(device: Device, mirror: Mirror) -> None:
    device.trust.refresh()
    mirror.asked.clear()
    device.trust.refresh()
    assert mirror.asked == ["2.root.json", "timestamp.json"]


# Time


@pytest.mark.parametrize("off", [-YEAR, YEAR])
def test_a_clock_a_year_off_spoils_nothing_once_the_platform_has_told_the_time(
    device: Device, mirror: Mirror, off: timedelta
) -> None:
    signing, address, boot = mirror.signing, Address(uuid4(), uuid4()), uuid4()
    clock = DeviceClock(0, system=lambda: (signing.now + off).timestamp(), monotonic=lambda: 0.0)
    statement = {
        "tenant": str(address.tenant), "device": str(address.device), "boot_id": str(boot),
        "time": signing.now.timestamp(),
    }  # fmt: skip
    clock.told(statement, address, boot)
    assert Trust(device.folder, mirror.fetch, clock.now).facts(MODEL.path) == FACTS
    mirror.freeze()
    signing.now += timedelta(days=2)
    clock.told({**statement, "time": signing.now.timestamp()}, address, boot)
    with pytest.raises(Untrusted) as refused:
        Trust(device.folder, mirror.fetch, clock.now).refresh()
    assert refused.value.problem is Problem.EXPIRED_METADATA


@pytest.mark.parametrize("off", [-2 * YEAR, 2 * YEAR])
def test_the_clock_of_the_system_is_not_asked(
    mirror: Mirror, tmp_path: Path, off: timedelta
) -> None:
    """The platform's time and the given one agree, and are far from this machine's."""
    signing = Signing()
    signing.now += off
    signing.publish()
    device = Device(tmp_path / "far", Mirror(signing))
    device.trust.install_root(signing.root)
    assert device.trust.facts(MODEL.path) == FACTS
    assert problem(replace(device, behind=-timedelta(days=2))) is Problem.EXPIRED_METADATA


# Damage


def kept(device: Device) -> list[Path]:
    """The files that hold metadata."""
    return sorted(file for file in device.folder.rglob("*.json") if file.name != "pinned.json")


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b'{"signed": {}, "signatures": []}', None])
def test_what_is_damaged_is_set_aside_and_read_again(
    device: Device, mirror: Mirror, content: bytes | None
) -> None:
    mirror.signing.rotate(root=True)
    device.trust.refresh()
    files = kept(device)
    assert len(files) == 5
    for file in files:
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2] if content is None else content)
        assert device.trust.facts(MODEL.path) == FACTS
        assert file.read_bytes() == whole
        assert file.with_name(f"{file.name}.damaged").exists()


def test_what_was_put_into_the_folder_is_not_trusted_for_being_there(
    device: Device, mirror: Mirror
) -> None:
    stranger = Signing(now=mirror.signing.now, tenant=mirror.signing.tenant)
    stranger.publish_more()
    device.trust.refresh()
    for role in ("timestamp", "snapshot", "targets"):
        version = "" if role == "timestamp" else f"{stranger.newest(role)}."
        (device.folder / "metadata" / f"{role}.json").write_bytes(
            stranger.file(f"{version}{role}.json")
        )
    (device.folder / "metadata" / "root_history" / "2.root.json").write_bytes(stranger.root)
    assert device.trust.facts(MODEL.path) == FACTS


def test_without_the_pinned_root_nothing_is_trusted(device: Device, mirror: Mirror) -> None:
    device.trust.refresh()
    (device.folder / "pinned.json").write_bytes(b"\0\0")
    assert not device.trust.rooted
    assert problem(device) is Problem.WRONG_SIGNATURE
    device.trust.install_root(mirror.signing.root)
    assert device.trust.rooted
    assert device.trust.facts(MODEL.path) == FACTS


class PowerCut(BaseException):
    """Nothing runs after it."""


def test_a_power_cut_between_any_two_writes_leaves_what_goes_on(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge.update import trusted_client

    whole = trusted_client.replace_file
    left = 0

    def replace_file(path: Path, content: bytes) -> None:
        nonlocal left
        if not left:
            raise PowerCut
        left -= 1
        whole(path, content)

    first = mirror.signing.root
    mirror.signing.rotate(root=True)
    for cut in range(20):
        device = Device(tmp_path / str(cut), mirror)
        device.trust.install_root(first)
        device.trust.refresh()
        mirror.freeze()
        mirror.signing.rotate(root=False)
        mirror.signing.publish_more()
        earlier = mirror.instead.pop("timestamp.json")
        left = cut
        monkeypatch.setattr(trusted_client, "replace_file", replace_file)
        try:
            device.trust.refresh()
            ended = True
        except PowerCut:
            ended = False
        monkeypatch.setattr(trusted_client, "replace_file", whole)
        assert device.trust.facts(MODEL.path) == FACTS
        mirror.instead["timestamp.json"] = earlier
        assert problem(device) is Problem.WRONG_SIGNATURE  # by the keys that were replaced
        mirror.instead.clear()
        if ended:
            break
    assert cut == 4  # a root, a timestamp, a snapshot and targets were written


# What it costs


def test_an_agent_that_updates_nothing_does_without_tuf() -> None:
    script = (
        "import sys, edge.agent.agent, edge.cli.main, edge.update.trust;"
        "print([name for name in ('tuf', 'securesystemslib', 'urllib3') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"
