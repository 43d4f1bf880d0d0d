"""Updates of a real agent: offers are fetched, checked, switched to, watched, taken back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.commands.diagnostics import utc_offset_minutes
from edge.protocol.updates import Action, OfferedComponent, Problem, Reported
from tests.edge.platform.platform import TestPlatform
from tests.edge.platform.releases import Release, Releases
from tests.edge.running import RunningAgent
from tests.edge.update.models import X, golden, model
from tests.patience import eventually


@pytest.fixture
def online(agent: RunningAgent, platform: TestPlatform) -> RunningAgent:
    agent.start()
    agent.online()
    return agent


@pytest.fixture
def releases(platform: TestPlatform) -> Releases:
    return platform.releases


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    file = tmp_path / "inputs.npz"
    np.savez(file, x=X)
    return file


def good(releases: Releases, factor: float) -> Release:
    return releases.model(model(factor), golden(factor))


def runs(agent: RunningAgent, inputs: Path, release: Release, answer: str) -> None:
    agent.until(
        lambda status: (
            (status["model"] or {}).get("release") == release.id
            and status["model"]["state"] == "RUNNING"
        )
    )
    assert answer in agent.done("infer", inputs)


def test_a_release_is_installed_step_by_step_and_runs(
    online: RunningAgent, releases: Releases, inputs: Path
) -> None:
    release = good(releases, 2)
    offer = releases.offer(release)
    releases.send(offer)
    report = releases.ended(offer)
    assert (report.state, report.release) == (Reported.CONFIRMED, release.id)
    assert report.findings is not None
    assert report.findings["samples"] == report.findings["agreed"] == 3
    assert report.findings["bytes_fetched"] == offer.bytes
    way = [one.state for one in releases.of(offer)]
    assert sorted(set(way), key=list(Reported).index) == list(dict.fromkeys(way))
    runs(online, inputs, release, "2 4 6 8")
    status = online.done("status")
    assert f"release      {release.id[:12]} in slot a" in status
    eventually(lambda: releases.asked[-1] == {"counter": 1, "release": release.id})


def test_it_runs_again_after_a_restart_without_the_platform(
    online: RunningAgent, releases: Releases, inputs: Path
) -> None:
    release = good(releases, 2)
    releases.give(release)
    online.kill()
    releases.contents.clear()
    online.start()
    runs(online, inputs, release, "2 4 6 8")


def test_a_release_comes_before_the_model_of_the_twin(
    online: RunningAgent, platform: TestPlatform, releases: Releases, inputs: Path
) -> None:
    from tests.edge.test_inference import wish

    release = good(releases, 2)
    releases.give(release)
    platform.desire({"model": wish(platform, model(5))})
    report = platform.reported(
        lambda one: one["desired_version"] == platform.version and one["model"]
    )
    assert report["model"]["release"] == release.id
    assert releases.give(None, Action.REVERT).state is Reported.REVERTED
    platform.reported(lambda one: one["model"] and "artifact" in one["model"])
    eventually(lambda: "5 10 15 20" in online.done("infer", inputs))


def test_another_output_shape_than_the_golden_one_changes_nothing(
    online: RunningAgent, releases: Releases, inputs: Path
) -> None:
    before = good(releases, 2)
    releases.give(before)
    report = releases.give(releases.model(model(3, rows=2), golden(3)))
    assert (report.state, report.problem) == (Reported.FAILED, Problem.GOLDEN_MISMATCH)
    assert "shape" in str(report.detail)
    assert report.release == before.id
    assert report.findings is not None
    assert report.findings["agreed"] == 0
    runs(online, inputs, before, "2 4 6 8")


def test_what_does_not_load_changes_nothing(
    online: RunningAgent, releases: Releases, inputs: Path
) -> None:
    before = good(releases, 2)
    releases.give(before)
    report = releases.give(releases.model(b"this is no model", golden(2)))
    assert (report.state, report.problem) == (Reported.FAILED, Problem.LOAD_FAILED)
    runs(online, inputs, before, "2 4 6 8")


def test_the_release_before_is_switched_to_and_not_fetched_again(
    online: RunningAgent, releases: Releases, inputs: Path
) -> None:
    first, second = good(releases, 2), good(releases, 3)
    releases.give(first)
    releases.give(second)
    runs(online, inputs, second, "3 6 9 12")
    releases.contents.clear()
    report = releases.give(first, Action.REVERT)
    assert (report.state, report.release) == (Reported.REVERTED, first.id)
    runs(online, inputs, first, "2 4 6 8")


def test_to_revert_to_what_is_not_there_any_more_installs_it(
    online: RunningAgent, releases: Releases, inputs: Path
) -> None:
    first = good(releases, 2)
    for factor in (2, 3, 4):
        releases.give(good(releases, factor))
    assert releases.give(first, Action.REVERT).state is Reported.REVERTED
    runs(online, inputs, first, "2 4 6 8")


def test_what_runs_already_is_skipped(online: RunningAgent, releases: Releases) -> None:
    release = good(releases, 2)
    releases.give(release)
    assert releases.give(release).state is Reported.SKIPPED


def test_the_very_same_offer_again_is_answered_and_an_older_one_is_refused(
    online: RunningAgent, platform: TestPlatform, releases: Releases
) -> None:
    first, second = releases.offer(good(releases, 2)), releases.offer(good(releases, 3))
    releases.send(second)
    releases.ended(second)
    releases.send(second)
    eventually(lambda: [one.state for one in releases.of(second)].count(Reported.CONFIRMED) >= 2)
    releases.send(first)
    report = releases.ended(first)
    assert (report.state, report.problem) == (Reported.REJECTED, Problem.OLD_COUNTER)


def test_an_offer_of_another_key_is_refused_by_name_and_binds_nothing(
    online: RunningAgent, releases: Releases
) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    forged = releases.offer(good(releases, 2), counter=1_000)
    releases.send(forged, Ed25519PrivateKey.generate())
    report = releases.ended(forged)
    assert (report.state, report.problem) == (Reported.REJECTED, Problem.WRONG_SIGNATURE)
    assert releases.give(good(releases, 3)).state is Reported.CONFIRMED


def test_an_offer_that_has_expired_is_refused_by_name(
    online: RunningAgent, platform: TestPlatform, releases: Releases
) -> None:
    report = releases.give(good(releases, 2), expires_at=platform.now() - 1)
    assert (report.state, report.problem) == (Reported.REJECTED, Problem.OFFER_EXPIRED)


@pytest.mark.parametrize(
    ("requires", "words"),
    [({"architectures": ["ARMV7"]}, "it is for ARMV7"), ({"min_agent": "99.0"}, "99.0 or newer")],
)
def test_what_does_not_fit_the_device_is_refused_by_name(
    online: RunningAgent, releases: Releases, requires: dict[str, object], words: str
) -> None:
    report = releases.give(good(releases, 2), requires=requires)
    assert (report.state, report.problem) == (Reported.REJECTED, Problem.INCOMPATIBLE)
    assert words in str(report.detail)


def test_firmware_needs_an_installer_and_goes_to_it(
    online: RunningAgent, releases: Releases, tmp_path: Path
) -> None:
    file = releases.file("board", "board.bin", b"firmware")
    release = Release([OfferedComponent("FIRMWARE", "board")], [file])
    assert "no installer is set" in str(releases.give(release).detail)
    installer = tmp_path / "install.sh"
    installer.write_text(f'#!/bin/sh\ncp "$1" {tmp_path}/installed\n')
    installer.chmod(0o700)
    online.kill()
    online.environment["EDGEWISE_EDGE_UPDATE_FIRMWARE_INSTALLER"] = str(installer)
    online.start()
    online.online()
    assert releases.give(release).state is Reported.CONFIRMED
    assert (tmp_path / "installed").read_bytes() == b"firmware"


def test_settings_and_files_come_and_go_with_the_release(
    online: RunningAgent, releases: Releases
) -> None:
    file = releases.file("labels", "de/labels.txt", b"Katze\n")
    release = Release(
        [
            OfferedComponent("FILES", "labels"),
            OfferedComponent("CONFIGURATION", "settings", None, {"sync": {"mode": "HYBRID"}}),
        ],
        [file],
    )
    assert releases.give(release).state is Reported.CONFIRMED
    assert (online.home / "slots/current/labels/de/labels.txt").read_bytes() == b"Katze\n"
    assert online.status()["queue"]["mode"] == "HYBRID"
    assert releases.give(None, Action.REVERT).state is Reported.REVERTED
    assert online.status()["queue"]["mode"] == "ONLINE"
    assert not (online.home / "slots/current").exists()


def test_a_patch_is_fetched_where_the_device_has_what_it_is_from(
    online: RunningAgent, releases: Releases, inputs: Path
) -> None:
    import bsdiff4

    from edge.protocol.updates import OfferedDelta

    old, new = model(2, pad=200_000), model(3, pad=200_000)
    releases.give(releases.model(old, golden(2)))
    release = releases.model(new, golden(3))
    patch = releases.file("", "patch", bsdiff4.diff(old, new))
    file, expected = release.files
    before = releases.platform.releases.contents
    delta = OfferedDelta(patch.target, patch.sha256, patch.bytes, _of(old))
    del before[file.sha256]
    release = Release(release.components, [replace(file, delta=delta), expected])
    report = releases.give(release)
    assert report.state is Reported.CONFIRMED
    assert report.findings is not None
    assert report.findings["bytes_fetched"] == patch.bytes + expected.bytes
    runs(online, inputs, release, "3 6 9 12")


def test_a_target_that_is_not_published_or_not_the_published_one_is_refused_by_name(
    online: RunningAgent, releases: Releases
) -> None:
    release = good(releases, 2)
    other = releases.file("times", "model.onnx", model(7))
    mixed = replace(release.files[0], sha256=other.sha256, bytes=other.bytes)
    report = releases.give(Release(release.components, [mixed, release.files[1]]))
    assert (report.state, report.problem) == (Reported.REJECTED, Problem.WRONG_HASH)
    unknown = replace(other, target="sha256/" + "0" * 64, sha256="0" * 64)
    report = releases.give(Release(release.components, [unknown, release.files[1]]))
    assert (report.state, report.problem) == (Reported.REJECTED, Problem.UNKNOWN_TARGET)


def test_another_file_than_the_one_published_is_thrown_away(
    online: RunningAgent, releases: Releases
) -> None:
    release = good(releases, 2)
    file = release.files[0]
    content = bytearray(releases.contents[file.sha256])
    content[-1] ^= 1
    releases.contents[file.sha256] = bytes(content)
    report = releases.give(release)
    assert (report.state, report.problem) == (Reported.FAILED, Problem.WRONG_HASH)
    assert report.retryable
    eventually(lambda: not list(online.home.glob("slots/incoming/*")))


def test_a_disk_that_is_too_full_is_reported_before_anything_is_fetched(
    agent: RunningAgent, platform: TestPlatform, releases: Releases
) -> None:
    agent.environment["EDGEWISE_EDGE_UPDATE_SPARE_BYTES"] = str(2**44)
    agent.start()
    agent.online()
    report = releases.give(good(releases, 2))
    assert (report.state, report.problem) == (Reported.FAILED, Problem.DISK_FULL)
    assert platform.http.ranges == []


def test_a_download_that_is_cut_again_and_again_goes_on(
    online: RunningAgent, platform: TestPlatform, releases: Releases
) -> None:
    content = model(2, pad=500_000)
    release = releases.model(content, golden(2))
    platform.http.cut_after = [len(content) // 4] * 3
    assert releases.give(release).state is Reported.CONFIRMED
    assert len(platform.http.ranges) >= 4


def test_an_offer_that_is_withdrawn_is_not_followed_any_more(
    online: RunningAgent, platform: TestPlatform, releases: Releases
) -> None:
    minute = int(platform.now() % 86_400 // 60) + utc_offset_minutes()
    window = ((minute + 60) % 1_440, (minute + 120) % 1_440)
    offer = releases.offer(good(releases, 3), window=window)
    releases.send(offer)
    releases.ended(offer, Reported.WAITING)
    releases.send(None)
    online.until(lambda status: status["update"]["stage"] == "IDLE")
    assert online.status()["update"]["release"] is None
    eventually(lambda: not list(online.home.glob("slots/incoming/*")))


def _of(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()
