"""The command line: what it lists, how it fails, and what it does not import."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from interfaces.cli.main import run
from interfaces.cli.refused import LONGEST_MESSAGE, CommandRefused

COMMANDS = (
    "push", "optimize", "benchmark", "model", "artifact", "dataset", "job", "profile", "events",
    "quota", "status", "login", "logout", "key", "tenant", "up", "api", "worker", "projector",
    "migrate",
)  # fmt: skip
GROUPS = {
    "model": "list show archive restore delete alias unalias history",
    "dataset": "push list show delete",
    "job": "list show watch cancel",
    "artifact": "list show compare download remove",
    "profile": "list define revise delete",
    "key": "issue list revoke",
    "tenant": "register plan flag",
    "events": "tail show export",
}
SLOW = (
    "httpx", "onnx", "onnxruntime", "numpy", "psycopg", "strawberry", "starlette", "uvicorn",
    "dramatiq", "eventsourcing", "websockets", "graphql", "application", "infrastructure",
    "rich.markdown",
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EDGEWISE_HOME", "EDGEWISE_SERVER", "EDGEWISE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("EDGEWISE_CONFIG_HOME", str(tmp_path / "config"))


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert set(COMMANDS) <= listed


@pytest.mark.parametrize(("group", "commands"), GROUPS.items())
def test_help_lists_every_command_of_a_group(
    group: str, commands: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([group, "--help"]) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert set(commands.split()) <= listed


@pytest.mark.parametrize(
    "command",
    ["push", "optimize", "benchmark", "quota", "status"]
    + [f"{group} {name}" for group, names in GROUPS.items() for name in names.split()],
)
def test_every_command_has_help_and_answers_in_json(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command.split(), "--help"]) == 0
    told = capsys.readouterr().out
    assert all(option in told for option in ("--json", "--server", "--token"))


def test_without_a_command_it_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Usage: edgewise" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line", ["frobnicate", "push", "model show", "job list --status odd", "quota --nope"]
)
def test_a_wrong_call_is_exit_code_2_and_one_line(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line.split()) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: USAGE: ")
    assert told.err.count("\n") == 1


def test_a_refusal_is_exit_code_1_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["model", "list"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: NO_SERVER [server]: ")
    assert told.err.count("\n") == 1


def test_with_json_a_refusal_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["model", "list", "--json"]) == 1
    told = capsys.readouterr()
    assert told.err == ""
    error = json.loads(told.out)["error"]
    assert (error["code"], error["field"]) == ("NO_SERVER", "server")


def test_with_json_a_wrong_call_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["model", "show", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "USAGE"


def test_a_server_that_is_not_there_is_said_to_be_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["status", "--server", "http://127.0.0.1:9", "--token", "x"]) == 1
    assert capsys.readouterr().err.startswith("error: UNAVAILABLE: http://127.0.0.1:9 ")


def test_an_error_of_the_server_cannot_steer_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = CommandRefused("INVALID", "\x1b[2Jgone\u202e\nerror: none", "name")

    def refuse(*arguments: object) -> None:
        raise hostile

    monkeypatch.setattr("interfaces.cli.session.find_server", refuse)
    assert run(["model", "list"]) == 1
    told = capsys.readouterr().err
    assert told == "error: INVALID [name]: \\x1b[2Jgone\\u202e\\nerror: none\n"


def test_a_long_error_is_cut() -> None:
    assert len(CommandRefused("X", "y" * 10_000).as_line()) < LONGEST_MESSAGE + 50


def test_a_folder_or_a_missing_file_is_refused_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = ["--server", "http://127.0.0.1:9", "--token", "x"]
    assert run(["push", str(tmp_path), *known]) == 1
    assert run(["push", str(tmp_path / "none.onnx"), *known]) == 1
    told = capsys.readouterr().err.splitlines()
    assert all(line.startswith("error: FILE [file]: ") for line in told)


def test_completion_is_offered_for_bash() -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "_EDGEWISE_COMPLETE": "complete_bash",
        "COMP_WORDS": "edgewise mod",
        "COMP_CWORD": "1",
    }
    program = Path(sys.executable).with_name("edgewise")
    done = subprocess.run([program], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["model"]


def test_help_imports_nothing_slow() -> None:
    script = (
        "import sys; from interfaces.cli.main import run; run(['--help']); "
        f"print('SLOW', [name for name in {SLOW!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "SLOW []"


def test_the_cli_knows_the_server_by_its_api_alone() -> None:
    script = (
        "import sys, pkgutil, importlib, interfaces.cli as c\n"
        "for m in pkgutil.walk_packages(c.__path__, 'interfaces.cli.'):\n"
        "    importlib.import_module(m.name)\n"
        "print([n for n in sys.modules if n.split('.')[0] in "
        "('domain', 'application', 'infrastructure')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
