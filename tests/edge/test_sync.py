"""Telemetry: kept until the platform has taken it, sent again until then, by mode, order and
privacy."""

import json
from pathlib import Path

import pytest

from edge.protocol.topics import Said
from tests.edge.conftest import MakeAgent
from tests.edge.platform.platform import TestPlatform
from tests.edge.running import RunningAgent
from tests.patience import eventually
from tests.services.mosquitto import OwnMosquitto


def log(agent: RunningAgent, kind: str, *fields: str, priority: str = "normal") -> None:
    agent.done("log", kind, *fields, "--priority", priority)


def kinds(platform: TestPlatform) -> list[str]:
    return [event["kind"] for event in list(platform.mqtt.events.values())]


def empty(status: dict[str, dict[str, int]]) -> bool:
    return status["queue"]["events"] == 0


def test_events_arrive_whole_and_are_forgotten_when_they_were_taken(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    log(agent, "door.opened", "door=3", "by=Ännchen", 'tags=["a", 1]')
    event = eventually(
        lambda: next(e for e in list(platform.mqtt.events.values()) if e["kind"] == "door.opened")
    )
    assert (event["door"], event["by"], event["tags"]) == (3, "Ännchen", ["a", 1])
    agent.until(empty)


def test_what_the_broker_acknowledged_is_kept_until_the_platform_has_it(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    platform.mqtt.takes = False
    log(agent, "first")
    eventually(lambda: [b for _, b in list(platform.mqtt.batches) if "first" in str(b)])
    assert not empty(agent.status())
    agent.kill()
    platform.mqtt.takes = True
    agent.start()
    eventually(lambda: "first" in kinds(platform))
    agent.until(empty)


@pytest.mark.slow
def test_events_logged_while_the_broker_is_down_come_later_once_each(
    agent: RunningAgent, platform: TestPlatform, broker: OwnMosquitto
) -> None:
    agent.start()
    agent.online()
    broker.kill()
    agent.until(lambda status: not status["online"])
    for number in range(3):
        log(agent, f"offline.{number}")
    broker.start()
    eventually(lambda: {"offline.0", "offline.1", "offline.2"} <= set(kinds(platform)))
    agent.until(empty)


def test_what_is_not_taken_in_time_is_sent_again(agents: MakeAgent, platform: TestPlatform) -> None:
    agent = agents({"EDGEWISE_EDGE_SYNC_RESEND_SECONDS": "1"})
    agent.join(platform.claim(), platform.url)
    agent.start()
    agent.online()
    platform.mqtt.takes = False
    log(agent, "again")
    eventually(lambda: len([b for _, b in list(platform.mqtt.batches) if "again" in str(b)]) > 1)
    platform.mqtt.takes = True
    agent.until(empty)
    assert kinds(platform).count("again") == 1


def test_offline_mode_sends_no_telemetry_and_hybrid_what_is_important(
    agents: MakeAgent, platform: TestPlatform
) -> None:
    agent = agents({"EDGEWISE_EDGE_LOG_LEVEL": "DEBUG"})
    agent.join(platform.claim(), platform.url)
    (agent.home / "edge.toml").write_text('[sync]\nmode = "OFFLINE"\n')
    agent.start()
    agent.online()
    log(agent, "quiet")
    log(agent, "loud", priority="high")
    platform.desire({"configuration": {"sync.mode": "HYBRID"}})
    eventually(lambda: "loud" in kinds(platform))
    assert "quiet" not in kinds(platform)
    agent.done("sync")
    eventually(lambda: "quiet" in kinds(platform))


def test_fields_are_dropped_and_hashed_before_they_leave(
    agents: MakeAgent, platform: TestPlatform
) -> None:
    agent = agents(
        {"EDGEWISE_EDGE_PRIVACY_DROP": "operator", "EDGEWISE_EDGE_PRIVACY_HASH": "plate"}
    )
    agent.join(platform.claim(), platform.url)
    agent.start()
    agent.online()
    log(agent, "car", "operator=Ann", "plate=B-XY", 'inside={"plate":"B-XY","operator":1,"n":1}')
    event = eventually(
        lambda: next(e for e in list(platform.mqtt.events.values()) if e["kind"] == "car")
    )
    assert event["plate"].startswith("hmac:")
    assert event["inside"] == {"plate": event["plate"], "n": 1}
    assert "operator" not in event
    assert "Ann" not in str(platform.mqtt.batches)
    assert "B-XY" not in str(platform.mqtt.batches)


def test_every_envelope_fits_and_no_batch_has_a_gap(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    pad = "x" * 9_000
    for number in range(12):
        log(agent, "large", f"number={number}", f"pad={pad}")
    eventually(lambda: kinds(platform).count("large") == 12)
    assert not platform.mqtt.bad
    by_log: dict[str, list[int]] = {}
    for name, number in platform.mqtt.events:
        by_log.setdefault(name, []).append(number)
    for found in by_log.values():
        assert sorted(found) == list(range(1, len(found) + 1))


def test_an_event_that_is_too_large_is_refused_in_words(agent: RunningAgent) -> None:
    agent.start()
    agent.status()
    result = agent.tell("log", "huge", "pad=" + "x" * 20_000)
    assert result.returncode == 1
    assert "at most 16,384 bytes" in result.stderr


def test_a_module_that_fails_is_started_again_and_takes_no_other_down(
    agent: RunningAgent, platform: TestPlatform, tmp_path: Path
) -> None:
    """The samples module fails when the home cannot be measured: its folder is moved away."""
    agent.start()
    boot = agent.online()["boot_id"]
    platform.desire({"configuration": {"telemetry.sys_seconds": 1}})
    platform.reported(lambda one: one["desired_version"] == platform.version)
    moved = tmp_path / "moved"
    agent.home.rename(moved)
    here, agent.home = agent.home, moved
    found = agent.until(lambda status: status["modules"]["samples"]["restarts"] > 0)
    assert found["boot_id"] == boot
    moved.rename(here)
    agent.home = here
    eventually(lambda: "module.failed" in kinds(platform))
    eventually(lambda: [k for k, b in list(platform.mqtt.batches) if k is Said.TELEMETRY_SYS])


def test_many_events_come_from_standard_input_and_a_bad_line_keeps_its_portion_out(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    lines = [json.dumps({"kind": "bulk", "n": n, "at": "mine", "x": "é"}) for n in range(12_000)]
    assert "12,000 events are durable" in agent.done("log", "--stdin", given="\n".join(lines))
    eventually(lambda: kinds(platform).count("bulk") == 12_000)
    found = sorted(e["n"] for e in list(platform.mqtt.events.values()) if e["kind"] == "bulk")
    assert found == list(range(12_000))
    assert all(isinstance(event["at"], float) for event in platform.mqtt.events.values())
    deep: object = 1
    for _ in range(30):
        deep = [deep]
    for bad in (
        "{",
        "[]",
        '{"n": 1}',
        json.dumps({"kind": "deep", "d": deep}),
        '{"kind":"n","n":NaN}',
    ):
        result = agent.tell("log", "--stdin", given=f'{{"kind":"kept.out"}}\n{bad}\n')
        assert result.returncode == 1
        assert result.stderr.count("\n") == 1
    agent.until(empty)
