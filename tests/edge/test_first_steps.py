"""A device joins, is online, takes a setting, answers a command: on a real broker."""

from edge.protocol.commands import AnswerStatus, CommandKind
from edge.protocol.topics import Said
from tests.edge.platform.platform import TestPlatform
from tests.edge.running import RunningAgent
from tests.patience import eventually


def test_a_joined_agent_says_its_birth_and_is_told_the_time(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    status = agent.online()
    birth = platform.mqtt.said(Said.STATE)[-1]
    assert birth.body["online"] is True
    assert birth.body["facts"]["cores"] >= 1
    assert status["boot_id"] == str(birth.boot_id)


def test_a_desired_setting_is_taken_and_reported(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    platform.desire({"configuration": {"sync.mode": "HYBRID"}})
    report = platform.reported(lambda one: one["desired_version"] == platform.version)
    assert report["configuration"]["sync"]["mode"] == "HYBRID"


def test_a_ping_is_answered(agent: RunningAgent, platform: TestPlatform) -> None:
    agent.start()
    agent.online()
    answer = platform.run(CommandKind.PING)
    assert answer.status is AnswerStatus.SUCCEEDED


def test_an_agent_that_is_stopped_says_so_and_one_that_is_killed_leaves_its_will(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    assert agent.stop() == 0
    ended = eventually(lambda: _reason(platform))
    assert ended == "stopped"
    agent.start()
    agent.online()
    agent.kill()
    assert eventually(lambda: _reason(platform)) == "lost"


def _reason(platform: TestPlatform) -> str | None:
    reason: str | None = platform.mqtt.said(Said.STATE)[-1].body.get("reason")
    return reason
