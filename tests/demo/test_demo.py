"""The demo from its first line to Ctrl-C, with the smaller of its models."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from demo import digits
from demo.__main__ import main
from demo.platform import NotStarted
from interfaces.cli.refused import CommandRefused
from tests.patience import PATIENCE
from tests.services.session_folder import new_folder

ROOT = Path(__file__).parents[2]


def started(folder: Path, *more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "demo", "--only", "digits", "--folder", str(folder), *more],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(8 * PATIENCE)
def test_it_tells_one_object_of_facts_stays_and_goes_with_ctrl_c() -> None:
    folder = new_folder("demo")
    once = started(folder, "--once", "--json")
    out, err = once.communicate(timeout=2 * PATIENCE)
    assert once.returncode == 0, err
    assert err == ""
    facts = json.loads(out)
    (model,) = facts["models"]
    made = [one for one in model["variants"] if one["artifactId"]]
    assert model["version"] == 1
    assert len(made) >= 3
    assert all(one["latencyMs"]["p50"] <= one["latencyMs"]["p99"] for one in made)
    assert all(one["evidence"] == "MEASURED" for one in made)
    assert made[0]["accuracy"] >= 0.96
    assert model["choice"]["variant"] in {one["variant"] for one in made if one["passed"]}
    kept, stopped = facts["rollouts"]
    assert kept["status"] == "COMPLETED"
    assert [one["state"] for one in kept["devices"]] == 3 * ["CONFIRMED"]
    assert all(one["findings"]["agreed"] == 8 for one in kept["devices"])
    assert stopped["status"] == "ROLLED_BACK"
    assert sorted(one["state"] for one in stopped["devices"]) == ["CANCELED", "CANCELED", "FAILED"]
    assert {one["code"] for one in stopped["devices"]} == {None, "GOLDEN_MISMATCH"}
    assert "1 of 1 device failed" in stopped["message"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(facts["api"])

    again = started(folder)
    assert again.stdout is not None
    assert again.stderr is not None
    told = []
    for line in again.stdout:
        told.append(line)
        if line.startswith("Try"):
            break
    assert any("version 2" in line for line in told)
    assert any("Choice: " in line for line in told)
    assert any("Press Ctrl-C" in line for line in again.stderr)
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=2 * PATIENCE)
    assert again.returncode == 0


@pytest.mark.parametrize(
    "error", [NotStarted("no\nport"), CommandRefused("INVALID", "No.", "name")]
)
def test_a_failure_is_one_message_and_exit_code_1(
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def fail(folder: Path) -> None:
        raise error

    monkeypatch.setattr(digits, "prepare", fail)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["--once", "--json", "--folder", str(tmp_path)]) == 1
    finally:
        signal.signal(signal.SIGTERM, before)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("The demo failed: ")
