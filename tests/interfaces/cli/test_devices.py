"""The commands on devices against a real platform and a real agent, as a person types them."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.platform import Running, running
from interfaces.cli.ids import uuid_of
from tests.interfaces.cli.test_against_a_server import EDGEWISE, Shell
from tests.patience import PATIENCE, eventually
from tests.services.session_folder import new_folder

pytestmark = pytest.mark.slow  # a whole installation and a real agent


@dataclass(frozen=True)
class Agent:
    """An agent's own folder, and its program."""

    home: Path

    def run(self, *words: str) -> None:
        subprocess.run(self.command(*words), check=True, capture_output=True, timeout=PATIENCE)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "edge", words[0], "--home", str(self.home), *words[1:]]


@pytest.fixture(scope="module")
def platform() -> Iterator[Running]:
    with running(new_folder("cli-devices") / "platform") as platform:
        yield platform


@pytest.fixture(scope="module")
def shell(platform: Running, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    folder = tmp_path_factory.mktemp("shell")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EDGEWISE_")}
    homes = {"EDGEWISE_HOME": str(platform.folder), "EDGEWISE_STATE_HOME": str(folder / "state")}
    return Shell(folder, {**kept, **homes, "EDGEWISE_CONFIG_HOME": str(folder / "config")})


def joined(platform: Running, shell: Shell, name: str, *labels: str) -> Agent:
    """A device that has joined and does not run."""
    words = [word for label in labels for word in ("--label", label)]
    code = shell.json("device", "claim", *words)["claims"][0]["code"]
    known = _ids(shell)
    agent = Agent(new_folder("agent"))
    agent.run("join", "--server", platform.server.url, code)
    (made,) = eventually(lambda: _ids(shell) - known)
    shell.json("device", "describe", made, "--name", name)
    return agent


def _ids(shell: Shell) -> set[str]:
    return {device["id"] for device in shell.json("device", "list")}


@pytest.fixture(scope="module")
def lamp(platform: Running, shell: Shell) -> Iterator[str]:
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


@pytest.fixture(scope="module")
def idle(platform: Running, shell: Shell) -> str:
    """The name of a device that never came online."""
    joined(platform, shell, "idle", "site=paris")
    return "idle"


def test_codes_go_to_standard_output_and_everything_else_to_standard_error(shell: Shell) -> None:
    done = shell.run("device", "claim", "--count", "3", "--expires", "10m", "--label", "rack=a")
    codes = done.stdout.split()
    assert len(set(codes)) == 3
    assert all(len(code) == 23 for code in codes)
    assert "edgewise-edge join CODE --server" in done.stderr
    listed = shell.json("device", "claims", "--status", "open")
    assert len([one for one in listed if one["labels"] == [{"name": "rack", "value": "a"}]]) == 3
    assert not any(code in str(listed) for code in codes)
    shell.json("device", "withdraw", listed[0]["id"])
    assert shell.refusal("device", "withdraw", "00000000-0000-4000-8000-000000000000")


def test_a_device_is_listed_and_shown_by_name_id_and_the_beginning_of_it(
    shell: Shell, lamp: str
) -> None:
    found = shell.json("device", "show", lamp)
    assert found["labels"] == [{"name": "site", "value": "berlin"}]
    assert found["certificate"] is not None
    assert (
        shell.json("device", "list", "--label", "site=berlin", "--online")[0]["id"] == found["id"]
    )
    assert shell.json("device", "list", "--label", "site=rome") == []
    for wanted in (found["id"], uuid_of(found["id"]), uuid_of(found["id"])[:8]):
        assert shell.json("device", "show", wanted)["id"] == found["id"]
    told = shell.out("device", "show", lamp)
    assert "online" in told
    assert "twin" in told


def test_a_command_is_answered(shell: Shell, lamp: str) -> None:
    answer = shell.json("device", "send", lamp, "ping")
    assert answer["status"] == "SUCCEEDED"
    assert "ping succeeded after" in shell.out("device", "send", lamp, "ping")
    assert shell.json("device", "send", lamp, "diagnose", "disk")["result"]["free_bytes"] > 0
    assert [one["kind"] for one in shell.json("device", "show", lamp)["commands"]["nodes"]][
        -1:
    ] == ["PING"]


def test_logs_are_fetched_from_the_device(shell: Shell, lamp: str) -> None:
    printed = shell.out("device", "logs", lamp, "--lines", "2")
    assert len(printed.strip().splitlines()) == 2
    shell.json("device", "logs", lamp, "--lines", "3", "-o", "kept.log")
    kept = (shell.folder / "kept.log").read_text()
    assert len(kept.splitlines()) == 3
    assert "command" in kept


def test_a_change_is_waited_for_until_the_device_reports_it(shell: Shell, lamp: str) -> None:
    before = shell.json("events", "show", lamp)
    changed = shell.json("device", "set", lamp, "configuration.telemetry.sys_seconds=30")
    assert changed["device"]["twin"]["inSync"]
    position = before[-1]["position"]
    diff = shell.json("device", "diff", lamp, "--from", str(position))
    assert diff["desired"] == {"configuration": {"telemetry": {"sys_seconds": 30}}}
    assert "telemetry.sys_seconds" in shell.out("device", "diff", lamp, "--from", str(position))


def test_what_the_device_cannot_do_is_told_at_once(shell: Shell, lamp: str) -> None:
    refused = shell.refusal("device", "set", lamp, "nonsense=1", "--timeout", "1d")
    assert (refused["code"], "nonsense" in refused["message"]) == ("OVERRULED", True)
    shell.json("device", "set", lamp, "nonsense=null", "--no-wait")


def test_watching_tells_each_change(shell: Shell, lamp: str) -> None:
    with subprocess.Popen(
        [EDGEWISE, "device", "watch", lamp, "--json"],
        cwd=shell.folder,
        env=shell.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        # It tells what comes after it has looked: asked until it has begun.
        told: list[Any] = []

        def read() -> None:
            told.append(json.loads(watching.stdout.readline()))  # type: ignore[union-attr]

        reader = threading.Thread(target=read, daemon=True)
        reader.start()

        def come() -> bool:
            shell.json("device", "send", lamp, "ping")
            return bool(told)

        eventually(come)
        assert told[0]["type"] == "device.command-sent"
        watching.send_signal(signal.SIGINT)


def test_a_list_that_is_watched_is_a_table_that_stays_true(
    shell: Shell, lamp: str, idle: str
) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [EDGEWISE, "device", "list", "--watch"],
        cwd=shell.folder,
        env={**shell.environment, "TERM": "xterm", "COLUMNS": "160"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as watching:
        os.close(theirs)
        seen = b""
        while b"lamp" not in seen:
            seen += os.read(ours, 65_536)
        shell.json("device", "describe", idle, "--group", "cellar")
        while b"cellar" not in seen:
            seen += os.read(ours, 65_536)
        watching.send_signal(signal.SIGINT)
        # A terminal that nobody reads holds up whoever draws on it.
        try:
            while os.read(ours, 65_536):
                pass
        except OSError:
            pass
    os.close(ours)


def test_an_offline_device_keeps_a_change_and_a_command_expires(shell: Shell, idle: str) -> None:
    refused = shell.refusal("device", "set", idle, "a.b=1", "--timeout", "1s")
    assert refused["code"] == "NOT_REPORTED"
    assert shell.json("device", "show", idle)["twin"]["delta"] == {"a": {"b": 1}}
    refused = shell.refusal("device", "send", idle, "ping", "--expires", "1s")
    assert refused["code"] == "EXPIRED"


def test_a_change_from_another_version_is_refused(shell: Shell, idle: str) -> None:
    version = shell.json("device", "show", idle)["twin"]["desiredVersion"]
    words = ("device", "set", idle, "c=1", "--no-wait", "--version")
    assert shell.refusal(*words, str(version + 7))["code"] == "CONFLICT"
    assert shell.json(*words, str(version))["device"]["twin"]["desiredVersion"] == version + 1


def test_a_patch_comes_from_a_file_or_standard_input(shell: Shell, idle: str) -> None:
    (shell.folder / "patch.json").write_text('{"from": {"a": "file"}}')
    words = ("device", "set", idle, "--no-wait", "--patch")
    made = shell.json(*words, "patch.json")["device"]["twin"]["desired"]
    assert made["from"] == {"a": "file"}
    done = subprocess.run(
        [EDGEWISE, *words, "-", "--json"],
        input='{"from": null}',
        cwd=shell.folder,
        env=shell.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert "from" not in json.loads(done.stdout)["device"]["twin"]["desired"]
    assert shell.refusal(*words, "nowhere.json")["code"] == "FILE"
    (shell.folder / "bad.json").write_text("[1]")
    assert shell.refusal(*words, "bad.json")["field"] == "patch"


def test_labels_are_added_and_taken_away_one_by_one(shell: Shell, idle: str) -> None:
    shell.json("device", "describe", idle, "--label", "floor=2", "--label", "site=rome")
    made = shell.json("device", "describe", idle, "--unlabel", "floor")["device"]["labels"]
    assert made == [{"name": "site", "value": "rome"}]
    assert shell.json("device", "describe", idle, code=1)["error"]["code"] == "USAGE"


def test_a_group_is_a_question_with_a_name(shell: Shell, lamp: str) -> None:
    shell.json("device", "group", "define", "berlin", "--label", "site=berlin", "--online")
    shown = shell.json("device", "group", "show", "berlin")
    assert [device["name"] for device in shown["devices"]] == ["lamp"]
    assert "site=berlin, online" in shell.out("device", "group", "list")
    done = shell.out("device", "group", "revise", "berlin", "--label", "site=rome", "--offline")
    assert "means" in done
    assert shell.refusal("device", "group", "delete", "berlin")["code"] == "CONFIRM"
    shell.json("device", "group", "delete", "berlin", "--yes")
    assert shell.refusal("device", "group", "show", "berlin")["code"] == "NOT_FOUND"


def test_names_are_completed_by_the_shell(shell: Shell, lamp: str) -> None:
    done = subprocess.run(
        [EDGEWISE],
        env={
            **shell.environment,
            "_EDGEWISE_COMPLETE": "complete_bash",
            "COMP_WORDS": "edgewise device show la",
            "COMP_CWORD": "3",
        },
        cwd=shell.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.stdout.split() == ["lamp"]


def test_letting_go_asks_first_and_is_for_good(platform: Running, shell: Shell, idle: str) -> None:
    joined(platform, shell, "gone")
    found = shell.json("device", "show", "gone")
    assert shell.refusal("device", "revoke", "gone", "--reason", "stolen")["code"] == "CONFIRM"
    shell.json("device", "revoke", "gone", "--reason", "stolen", "--yes")
    assert "kept out" in shell.out("device", "show", "gone")
    assert shell.refusal("device", "decommission", "gone")["code"] == "CONFIRM"
    shell.json("device", "decommission", "gone", "--yes")
    assert shell.refusal("device", "show", "gone")["code"] == "NOT_FOUND"
    assert shell.json("device", "show", found["id"])["decommissioned"]
    assert found["id"] in [one["id"] for one in shell.json("device", "list", "--all")]
    assert found["id"] not in [one["id"] for one in shell.json("device", "list")]
    before = str(found["changed"])
    assert shell.json("device", "show", found["id"], "--as-of", before)["certificate"] is not None
