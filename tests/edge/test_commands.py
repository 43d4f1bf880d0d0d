"""Commands: run at most once, only when meant for this device and still good."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.protocol.commands import AnswerStatus, CommandKind
from edge.protocol.signed import COMMAND, signed
from edge.protocol.topics import Address
from tests.edge.conftest import MakeAgent
from tests.edge.platform.platform import TestPlatform
from tests.edge.running import RunningAgent
from tests.patience import eventually


def test_a_command_that_comes_twice_runs_once_and_is_answered_alike(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    command = platform.command(CommandKind.COLLECT_LOGS, {"lines": 100})
    platform.send(command)
    first = eventually(lambda: platform.mqtt.answers.get(command.id))[0]
    assert first.status is AnswerStatus.SUCCEEDED
    platform.send(command)
    assert eventually(lambda: platform.mqtt.answers[command.id][1:])[0] == first
    agent.stop()
    agent.start()
    agent.online()
    platform.send(command)
    assert eventually(lambda: platform.mqtt.answers[command.id][2:])[0] == first
    assert len(platform.http.uploads) == 1
    assert b"connected" in platform.http.uploads[0]


def test_commands_that_are_not_ours_are_dropped_and_counted(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    foreign = platform.command(CommandKind.PING)
    platform.send(foreign, Ed25519PrivateKey.generate())
    other = replace(platform.command(CommandKind.PING), address=Address(uuid4(), uuid4()))
    statement = signed(COMMAND, other.statement(), platform.key)
    platform.mqtt.say(platform.device.address.request(other.id), {"statement": statement})
    assert platform.run(CommandKind.PING).status is AnswerStatus.SUCCEEDED
    dropped = agent.status()["link"]["dropped_messages"]
    assert "a command for another device" in dropped
    assert any("signature" in reason for reason in dropped)
    assert foreign.id not in platform.mqtt.answers
    assert other.id not in platform.mqtt.answers


def test_an_expired_command_and_an_unknown_kind_are_refused(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    expired = platform.command(CommandKind.PING, seconds=-1)
    platform.send(expired)
    strange = platform.command(CommandKind.PING)
    statement = strange.statement() | {"kind": "SHELL"}
    platform.mqtt.say(
        platform.device.address.request(strange.id),
        {"statement": signed(COMMAND, statement, platform.key)},
    )
    for command in (expired, strange):
        answer = eventually(lambda c=command: platform.mqtt.answers.get(c.id))[0]
        assert answer.status is AnswerStatus.REFUSED


def test_a_command_waits_at_the_broker_for_a_device_that_is_away(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    agent.kill()
    command = platform.command(CommandKind.PING)
    platform.send(command)
    agent.start()
    answer = eventually(lambda: platform.mqtt.answers.get(command.id))[0]
    assert answer.status is AnswerStatus.SUCCEEDED


def test_a_command_that_a_crash_interrupted_is_failed_and_not_run_again(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    platform.http.answers_uploads.clear()
    command = platform.command(CommandKind.COLLECT_LOGS)
    platform.send(command)
    eventually(lambda: platform.http.uploads)
    agent.kill()
    platform.http.answers_uploads.set()
    agent.start()
    answer = eventually(lambda: platform.mqtt.answers.get(command.id))[0]
    assert answer.status is AnswerStatus.FAILED
    assert "interrupted" in str(answer.error)
    assert len(platform.http.uploads) == 1


def test_a_bad_configuration_changes_nothing_and_a_good_one_holds(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    bad = {"sync.order": "important", "sync.mode": "SOMETIMES"}
    answer = platform.run(CommandKind.SET_CONFIGURATION, {"configuration": bad})
    assert answer.status is AnswerStatus.FAILED
    assert "sync.mode must be one of" in str(answer.error)
    good = {"sync.order": "important"}
    answer = platform.run(CommandKind.SET_CONFIGURATION, {"configuration": good})
    assert answer.status is AnswerStatus.SUCCEEDED
    agent.stop()
    agent.start()
    agent.online()
    shown = agent.done("config")
    assert "important" in shown
    assert "command" in shown


def test_what_keeps_data_on_the_device_is_not_the_platforms_to_change(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    agent.online()
    answer = platform.run(CommandKind.SET_CONFIGURATION, {"configuration": {"privacy.drop": []}})
    assert answer.status is AnswerStatus.FAILED
    assert "only the owner" in str(answer.error)


def test_diagnostics_are_a_fixed_list(agent: RunningAgent, platform: TestPlatform) -> None:
    agent.start()
    agent.online()
    for diagnostic in ("SYSTEM", "DISK", "NETWORK", "RUNTIMES", "STORE"):
        answer = platform.run(CommandKind.DIAGNOSE, {"diagnostic": diagnostic})
        assert answer.status is AnswerStatus.SUCCEEDED, answer.error
    answer = platform.run(CommandKind.DIAGNOSE, {"diagnostic": "ls /"})
    assert answer.status is AnswerStatus.FAILED


def test_the_runtime_restarts_and_the_agent_does_not(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    agent.start()
    boot = agent.online()["boot_id"]
    assert platform.run(CommandKind.RESTART_RUNTIME).status is AnswerStatus.SUCCEEDED
    status = agent.until(lambda found: found["modules"]["inference"]["running"])
    assert status["boot_id"] == boot
    assert status["modules"]["inference"]["restarts"] == 0


def test_a_device_whose_clock_is_a_year_off_still_obeys_and_still_refuses_what_expired(
    agents: MakeAgent, platform: TestPlatform
) -> None:
    """The platform's clock is moved, which to the device is the same as its own being wrong."""
    for years in (-1, 1):
        platform.offset = years * 365 * 86_400.0
        now = timedelta(seconds=platform.offset)
        platform.lifetime = (now - timedelta(days=1), now + timedelta(days=30))
        agent = agents()
        agent.join(platform.claim(), platform.url)
        agent.start()
        status = agent.online()
        assert abs(status["clock"]["offset_seconds"] - platform.offset) < 3_600
        assert platform.run(CommandKind.PING).status is AnswerStatus.SUCCEEDED
        expired = platform.command(CommandKind.PING, seconds=-1)
        platform.send(expired)
        answer = eventually(lambda c=expired: platform.mqtt.answers.get(c.id))[0]
        assert answer.status is AnswerStatus.REFUSED
        agent.stop()
