"""How a device becomes one: the key stays, a join can be repeated, and refusals are one line."""

import json
import socket
import subprocess
import sys
from pathlib import Path

from tests.edge.conftest import MakeAgent
from tests.edge.platform.platform import TestPlatform
from tests.edge.running import ROOT, RunningAgent


def refusal(agent: RunningAgent, *arguments: str) -> str:
    result = agent.tell("join", *arguments)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


def test_a_code_that_nobody_gave_out_is_refused(agents: MakeAgent, platform: TestPlatform) -> None:
    assert "not accepted" in refusal(agents(), "guessed", "--server", platform.url)


def test_a_code_is_good_for_one_device(agents: MakeAgent, platform: TestPlatform) -> None:
    code = platform.claim()
    agents().join(code, platform.url)
    assert "already used" in refusal(agents(), code, "--server", platform.url)


def test_a_join_can_be_repeated_and_gives_the_same_device(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    (code,) = platform.codes
    before = json.loads((agent.home / "identity.json").read_text())
    agent.join(code, platform.url)
    after = json.loads((agent.home / "identity.json").read_text())
    assert (before["device"], before["key"]) == (after["device"], after["key"])


def test_a_join_whose_answer_was_lost_is_repeated_with_the_same_key(
    agents: MakeAgent, platform: TestPlatform
) -> None:
    agent, code = agents(), platform.claim()
    platform.http.lose_join_answers = 1
    assert "cannot be reached" in refusal(agent, code, "--server", platform.url)
    agent.join(code, platform.url)


def test_a_home_that_holds_a_device_takes_no_other(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    assert "already holds" in refusal(agent, platform.claim(), "--server", platform.url)


def test_a_server_that_is_not_there_is_said_in_one_line(agents: MakeAgent) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert "cannot be reached" in refusal(agents(), "code", "--server", url)


def test_a_server_must_be_an_address(agents: MakeAgent) -> None:
    assert "no http" in refusal(agents(), "code", "--server", "platform.example")


def test_a_full_disk_is_said_in_one_line_and_leaves_nothing_half_written(
    agents: MakeAgent, platform: TestPlatform
) -> None:
    """No file may grow: what a full disk looks like to a program."""
    agent, code = agents(), platform.claim()
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "from edge.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["join", code, "--server", platform.url, "--home", str(agent.home)]
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, cwd=ROOT
    )
    assert result.returncode == 1
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list((agent.home / "keys").glob("*"))
    agent.join(code, platform.url)


def test_the_key_is_for_its_owner_alone_and_is_not_in_the_identity(agent: RunningAgent) -> None:
    (key,) = (agent.home / "keys").glob("*.pem")
    assert key.stat().st_mode & 0o777 == 0o600
    assert agent.home.stat().st_mode & 0o777 == 0o700
    assert "PRIVATE KEY" in key.read_text()
    assert "PRIVATE KEY" not in (agent.home / "identity.json").read_text()


def test_an_agent_that_has_not_joined_says_how(agents: MakeAgent) -> None:
    result = agents().tell("run")
    assert result.returncode == 1
    assert "edgewise-edge join CODE" in result.stderr
    assert "Traceback" not in result.stderr


def test_two_agents_do_not_run_in_one_home(agent: RunningAgent) -> None:
    agent.start()
    agent.status()
    result = agent.tell("run")
    assert result.returncode == 1
    assert "Another agent already runs" in result.stderr


def test_programs_are_told_when_no_agent_runs(agent: RunningAgent) -> None:
    result = agent.tell("status")
    assert result.returncode == 1
    assert "No agent runs" in result.stderr


def test_the_command_line_explains_itself(agents: MakeAgent, tmp_path: Path) -> None:
    for command in ("join", "run", "status", "config", "infer", "log", "sync"):
        result = subprocess.run(
            [sys.executable, "-m", "edge", command, "--help"],
            capture_output=True, text=True, cwd=ROOT,
        )  # fmt: skip
        assert result.returncode == 0
        assert "--home" in result.stdout
