"""The commands on rollouts against a real platform and a real agent, as a person types them."""

import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from demo import digits
from demo.platform import Running, running
from interfaces.cli.ids import uuid_of
from tests.interfaces.cli.test_against_a_server import Shell
from tests.interfaces.cli.test_devices import joined
from tests.interfaces.cli.test_devices import shell as shell
from tests.patience import PATIENCE, eventually
from tests.services.session_folder import new_folder

pytestmark = pytest.mark.slow  # a whole installation and a real agent
START = ("rollout", "start", "digits:source")
QUICK = ("--waves", "100%", "--soak", "0", "--probation", "2s")


@pytest.fixture(scope="module")
def platform() -> Iterator[Running]:
    with running(new_folder("cli-rollouts") / "platform") as platform:
        yield platform


@pytest.fixture(scope="module")
def model(shell: Shell) -> Any:
    digits.prepare(shell.folder)
    return shell.json("push", "digits.onnx", "--task", "classification")


@pytest.fixture(scope="module")
def idle(platform: Running, shell: Shell, model: Any) -> str:
    """The name of a device that never comes online."""
    joined(platform, shell, "idle", "site=paris")
    return "idle"


@pytest.fixture(scope="module")
def lamp(platform: Running, shell: Shell, model: Any) -> Iterator[str]:
    """The name of a device that is online."""
    agent = joined(platform, shell, "lamp", "site=berlin")
    log = (agent.home / "out.log").open("wb")
    process = subprocess.Popen(agent.command("run"), stdout=log, stderr=log)
    try:
        eventually(lambda: shell.json("device", "show", "lamp")["online"])
        yield "lamp"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        log.close()


def test_without_a_fleet_nothing_is_started_and_nothing_left(shell: Shell, model: Any) -> None:
    error = shell.refusal(*START)
    assert (error["code"], error["field"]) == ("INVALID_STATE", "target")
    assert "device claim" in error["message"]
    assert shell.json("rollout", "list") == []
    assert "no rollouts yet" in shell.run("rollout", "list").stderr + shell.out("rollout", "list")


def test_what_cannot_be_started_is_refused_by_its_option(shell: Shell, idle: str) -> None:
    for words, field in (
        (("--waves", "x"), "waves"),
        (("--waves", "nan%"), "waves"),
        (("--waves", "-5%"), "plan.waves.0"),
        (("--soak", "soon"), "soak"),
        (("--gate", "latency=inf"), "gate"),
        (("--device", "nobody"), "device"),
        (("--device", idle, "--label", "site=paris"), "target"),
        (("--rule", "percentage", "--max-rate", "7"), "plan.stopRule.maxRate"),
        (("--label", "site=rome"), "target"),
    ):
        assert shell.refusal(*START, *words)["field"] == field, words
    assert {one["status"] for one in shell.json("rollout", "list")} <= {"ABORTED"}
    shell.run(*START, "--on-stop", "explode", code=2)


def test_a_dry_run_says_who_is_meant_and_leaves_a_draft(shell: Shell, idle: str) -> None:
    told = shell.json(*START, "--name", "dry", "--dry-run", "--device", idle)
    assert told["rollout"]["status"] == "DRAFT"
    assert (told["preview"]["devices"], told["preview"]["online"]) == (1, 0)
    assert told["preview"]["bytes"] > 0
    assert "estimated" in shell.out(*START, "--name", "dry too", "--dry-run", "--device", idle)


def test_a_rollout_is_decided_on_by_its_name_and_told_why(shell: Shell, idle: str) -> None:
    shell.json(*START, "--name", "paris", "--device", idle, "--no-watch")
    found = eventually(lambda: _running(shell, "paris"))
    assert [one["state"] for one in found["updates"]] == ["QUEUED"]
    assert "idle" in shell.out("rollout", "show", "paris")
    assert shell.json("rollout", "show", uuid_of(found["id"])[:8])["id"] == found["id"]
    paused = shell.json("rollout", "pause", "paris", "-m", "lunch")["rollout"]
    assert (paused["status"], paused["message"]) == ("PAUSED", "lunch")
    assert shell.json("rollout", "watch", "paris", code=1)["status"] == "PAUSED"
    assert "lunch" in shell.run("rollout", "watch", "paris", code=1).stdout
    assert shell.json("rollout", "resume", "paris")["rollout"]["status"] == "RUNNING"
    shell.json("rollout", "force", "paris", idle)
    assert shell.json("rollout", "retry", "paris")["rollout"]["status"] == "RUNNING"
    assert shell.refusal("rollout", "force", "paris", "nobody")["code"] == "NOT_FOUND"
    assert shell.json("rollout", "approve", "paris")["rollout"]["status"] == "RUNNING"
    chain = shell.json("rollout", "explain", "paris", "--device", idle)
    assert chain["kind"] == "Update"
    assert "drafted" in shell.out("rollout", "explain", "paris")
    assert "not have stopped" in shell.out("rollout", "replay", "paris")
    assert "aborted" in shell.out("rollout", "abort", "paris")
    assert shell.json("rollout", "watch", "paris", code=1)["status"] == "ABORTED"
    listed = shell.json("rollout", "list")
    assert next(one for one in listed if one["id"] == found["id"])["status"] == "ABORTED"


def _running(shell: Shell, name: str) -> Any:
    found = shell.json("rollout", "show", name)
    return found if found["updates"] and found["status"] == "RUNNING" else None


def test_another_member_is_asked_where_approval_is_wanted(shell: Shell, idle: str) -> None:
    told = shell.out(*START, "--name", "asked", "--device", idle, "--approval")
    assert "rollout approve" in told
    assert shell.refusal("rollout", "approve", "asked")["code"] == "FORBIDDEN"


def test_a_device_takes_the_artifact_and_gives_it_back(shell: Shell, lamp: str) -> None:
    done = shell.run(*START, "--name", "berlin", "--label", "site=berlin", *QUICK)
    assert "completed" in done.stdout
    assert "lamp" in done.stderr
    assert "confirmed" in done.stderr
    found = shell.json("rollout", "show", "berlin")
    assert [one["state"] for one in found["updates"]] == ["CONFIRMED"]
    assert shell.json("rollout", "replay", "berlin")["outcomes"] == 1
    assert shell.json("rollout", "watch", "berlin")["status"] == "COMPLETED"
    assert shell.json("rollout", "abort", "berlin", "--revert")["rollout"]["status"] in (
        "ROLLING_BACK",
        "ROLLED_BACK",
    )
    assert shell.json("rollout", "watch", "berlin", code=1)["status"] == "ROLLED_BACK"


@pytest.mark.parametrize(
    "command", ["start", "list", "show", "watch", "approve", "pause", "resume", "promote", "abort",
                "retry", "force", "explain", "replay"]
)  # fmt: skip
def test_each_command_says_what_it_does(shell: Shell, command: str) -> None:
    assert "Usage" in shell.out("rollout", command, "--help")
