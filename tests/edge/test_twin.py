"""The twin on a real agent: settings, reasons, unknown keys, and versions that only rise."""

from edge.protocol.topics import Said
from tests.edge.conftest import MakeAgent
from tests.edge.platform.platform import TestPlatform
from tests.edge.running import RunningAgent
from tests.patience import eventually


def test_bad_values_and_unknown_keys_are_reported_and_the_rest_is_applied(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    platform.desire(
        {
            "configuration": {"sync.mode": "HYBRID", "sync.order": "newest", "nonsense": 1},
            "color": "red",
            "model": "none",
        }
    )
    report = platform.reported(lambda one: one["desired_version"] == platform.version)
    assert report["configuration"]["sync"]["mode"] == "HYBRID"
    assert report["configuration"]["sync"]["order"] == "oldest"
    assert "must be one of" in report["problems"]["configuration.sync.order"]
    assert report["problems"]["configuration.nonsense"] == "no such setting"
    assert report["problems"]["model"] == "must be an object"
    assert report["unknown"] == ["color"]


def test_what_is_no_longer_desired_goes_back(agent: RunningAgent, platform: TestPlatform) -> None:
    agent.start()
    agent.online()
    platform.desire({"configuration": {"sync.mode": "HYBRID"}})
    platform.reported(lambda one: one["configuration"]["sync"]["mode"] == "HYBRID")
    platform.desire({})
    platform.reported(lambda one: one["configuration"]["sync"]["mode"] == "ONLINE")


def test_what_the_operator_pinned_stays_and_is_reported(
    agents: MakeAgent, platform: TestPlatform
) -> None:
    agent = agents({"EDGEWISE_EDGE_SYNC_MODE": "ONLINE"})
    agent.join(platform.claim(), platform.url)
    agent.start()
    agent.online()
    platform.desire({"configuration": {"sync.mode": "OFFLINE"}})
    report = platform.reported(lambda one: one["desired_version"] == platform.version)
    assert report["configuration"]["sync"]["mode"] == "ONLINE"
    assert "EDGEWISE_EDGE_SYNC_MODE" in report["problems"]["configuration.sync.mode"]


def test_a_device_that_was_away_takes_what_changed_meanwhile(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    agent.stop()
    platform.desire({"configuration": {"sync.order": "important"}})
    agent.start()
    platform.reported(lambda one: one["configuration"]["sync"]["order"] == "important")


def test_an_older_delta_that_comes_late_changes_nothing(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    platform.desire({"configuration": {"sync.order": "important"}})
    platform.reported(lambda one: one["configuration"]["sync"]["order"] == "important")
    late = {"version": platform.version - 1, "desired": {}, "reported_version": 0}
    platform.mqtt.say(platform.device.address.delta, late)
    version = agent.until(lambda status: status["online"])["twin"]["desired_version"]
    assert version == platform.version
    assert platform.reports[-1]["configuration"]["sync"]["order"] == "important"


def test_a_device_that_lost_its_store_goes_on_from_the_version_that_the_platform_has_seen(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    platform.reported_version = 41
    agent.kill()
    for file in agent.home.glob("state.db*"):
        file.unlink()
    agent.start()
    eventually(lambda: platform.reported_version > 41)
    versions = [one.body["version"] for one in platform.mqtt.said(Said.REPORTED)]
    assert versions[-1] == 42


def test_a_damaged_memory_is_set_aside_and_the_agent_goes_on(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    agent.kill()
    for file in agent.home.glob("state.db-*"):
        file.unlink()
    (agent.home / "state.db").write_bytes(b"no database at all" * 100)
    before = platform.command("PING")  # type: ignore[arg-type]
    agent.start()
    agent.online()
    assert list(agent.home.glob("state.db.damaged-*"))
    platform.send(before)
    answer = eventually(lambda: platform.mqtt.answers.get(before.id))[0]
    assert "lost its memory" in str(answer.error)


def test_a_settings_file_that_cannot_be_read_leaves_the_last_good_one(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    file = agent.home / "edge.toml"
    file.write_text('[sync]\nmode = "HYBRID"\n')
    agent.start()
    agent.online()
    agent.stop()
    file.write_text("[sync\nmode = ")
    agent.start()
    status = agent.online()
    assert status["queue"]["mode"] == "HYBRID"
    assert "last good one" in status["problems"]["edge.toml"]
    shown = agent.done("config")
    assert "last good one" in shown
