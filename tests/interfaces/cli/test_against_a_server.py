"""The commands against a real platform, as a person or a script types them."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest

from demo import digits
from demo.platform import Running, running
from tests.patience import PATIENCE
from tests.services.session_folder import new_folder

LONG = ("--batch", "1024", "--runs", "9000")
"""A benchmark that takes long enough to be stopped on the way."""

EDGEWISE = Path(sys.executable).with_name("edgewise")


@dataclass(frozen=True)
class Shell:
    """Runs commands in a folder, signed in to one server."""

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [EDGEWISE, *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == code, done.stderr + done.stdout
        return done

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def out(self, *words: str) -> str:
        return self.run(*words).stdout

    def refusal(self, *words: str) -> dict[str, Any]:
        error: dict[str, Any] = self.json(*words, code=1)["error"]
        return error


@pytest.fixture(scope="module")
def platform() -> Iterator[Running]:
    with running(new_folder("cli") / "platform") as platform:
        yield platform


@pytest.fixture(scope="module")
def shell(platform: Running, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    folder = tmp_path_factory.mktemp("shell")
    digits.prepare(folder)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EDGEWISE_")}
    homes = {"EDGEWISE_HOME": str(platform.folder), "EDGEWISE_STATE_HOME": str(folder / "state")}
    return Shell(folder, {**kept, **homes, "EDGEWISE_CONFIG_HOME": str(folder / "config")})


@pytest.fixture(scope="module")
def pushed(shell: Shell) -> Any:
    shell.json("dataset", "push", "digits-calibration.npz", "--purpose", "calibration")
    shell.json("dataset", "push", "digits-evaluation.npz", "--purpose", "evaluation")
    return shell.json("push", "digits.onnx", "--task", "classification")


@pytest.fixture(scope="module")
def optimized(shell: Shell, pushed: Any) -> Any:
    data = ("--calibration", "digits-calibration", "--evaluation", "digits-evaluation")
    return shell.json("optimize", "digits", *data)


def test_a_pushed_model_has_its_signature(shell: Shell, pushed: Any) -> None:
    signature = pushed["artifact"]["signature"]
    assert signature["inputs"] == [
        {"name": "image", "dtype": "float32", "shape": ["N", "1", "8", "8"]}
    ]
    assert signature["opset"] == 17
    assert "digits" in shell.out("model", "list")
    again = shell.json("push", "digits.onnx", "--name", "twice")
    assert again["artifact"]["version"] == 1
    assert shell.json("push", "digits.onnx", "--name", "twice")["artifact"]["version"] == 2


def test_a_file_that_is_no_model_leaves_nothing_behind(shell: Shell) -> None:
    (shell.folder / "noise.onnx").write_bytes(bytes(range(256)) * 20)
    assert shell.refusal("push", "noise.onnx")["code"] == "MODEL_REFUSED"
    assert shell.refusal("model", "show", "noise")["code"] == "NOT_FOUND"


def test_a_hostile_name_is_refused_and_not_printed_raw(shell: Shell) -> None:
    done = shell.run("push", "digits.onnx", "--name", "evil\x1b[2J\u202e", code=1)
    assert "\x1b" not in done.stderr
    assert "error: INVALID [name]" in done.stderr


def test_an_optimization_ends_with_variants_and_a_choice(shell: Shell, optimized: Any) -> None:
    assert optimized["status"] == "SUCCEEDED"
    told = shell.out("job", "show", optimized["id"])
    assert "static_int8" in told
    assert "Choice: " in told
    assert "easured" in told


def test_a_benchmark_measures_what_is_named(shell: Shell, optimized: Any) -> None:
    told = shell.out("benchmark", "digits", "source", "fp16", "--runs", "20")
    lines = [line.split() for line in told.splitlines()]
    assert [line[0] for line in lines[2:4]] == ["source", "fp16"]
    assert all(word in told for word in ("p50", "p90", "p99", "measured", "onnxruntime"))


def test_artifacts_are_listed_compared_and_downloaded(shell: Shell, optimized: Any) -> None:
    variants = {one["variant"] for one in shell.json("artifact", "list", "digits")}
    assert {"source", "static_int8"} <= variants
    assert "fidelity" in shell.out("artifact", "show", "digits:static_int8")
    compared = shell.out("artifact", "compare", "digits:source", "digits:static_int8@1")
    assert "static_int8@1" in compared
    shell.run("artifact", "download", "digits:static_int8", "-o", "int8.onnx")
    onnx.checker.check_model(onnx.load(shell.folder / "int8.onnx"))
    onnxruntime.InferenceSession(shell.folder / "int8.onnx", providers=["CPUExecutionProvider"])


def test_an_alias_moves_and_the_past_stays(shell: Shell, optimized: Any) -> None:
    before = shell.json("model", "show", "digits")["changed"]
    shell.run("model", "alias", "digits", "production", "static_int8")
    now = shell.json("model", "show", "digits")
    assert [alias["name"] for alias in now["aliases"]] == ["production"]
    assert shell.json("model", "show", "digits", "--as-of", str(before))["aliases"] == []
    assert shell.refusal("model", "show", "digits", "--as-of", "2 days ago")["code"] == "NOT_FOUND"
    removal = shell.refusal("artifact", "remove", "digits:production", "--yes")
    assert removal["code"] == "INVALID_STATE"
    shell.run("model", "unalias", "digits", "production")
    assert shell.json("model", "show", "digits")["aliases"] == []


def test_the_story_of_an_object_is_told(shell: Shell, optimized: Any) -> None:
    topics = [event["topic"] for event in shell.json("model", "history", "digits")]
    assert topics[:2] == ["model.registered", "model.version-uploaded"]
    gone = shell.refusal("model", "history", "digits", "--as-of", "1 day ago")
    assert gone["code"] == "NOT_FOUND"
    job = [event["topic"] for event in shell.json("events", "show", optimized["id"])]
    assert (job[0], job[-1]) == ("job.requested", "job.succeeded")


def test_an_artifact_tells_why_it_is_there(shell: Shell, optimized: Any) -> None:
    told = shell.json("why", "digits:static_int8")
    topics = [link["event"]["topic"] for link in told["links"]]
    assert topics[0] == "model.artifact-added"
    assert topics[-1] in ("dataset.registered", "model.registered")
    assert {"job.succeeded", "job.claimed", "job.requested"} <= set(topics)
    assert topics.count("dataset.version-uploaded") == 2
    tree = shell.out("why", "digits:static_int8")
    assert tree.startswith("Artifact ")
    assert "asked for an optimization of the model “digits”." in tree
    assert "uploaded version 1 of the model “digits” (digits.onnx)." in tree
    for wanted in (optimized["id"], "digits", "quota:models", "digits-evaluation"):
        assert "└── " in shell.out("why", wanted)
    assert shell.refusal("why", "nobody")["code"] == "NOT_FOUND"
    assert shell.refusal("why", "digits", "--as-of", "2 days ago")["code"] == "NOT_FOUND"
    early = shell.json("why", optimized["id"], "--as-of", str(optimized["position"]))
    assert early["links"][0]["event"]["topic"] == "job.requested"


def test_lists_are_shown_as_they_were(shell: Shell, optimized: Any) -> None:
    before = ("--as-of", str(optimized["position"] - 1))
    assert shell.json("job", "list", *before) == []
    assert "digits" in [one["name"] for one in shell.json("model", "list", *before)]
    assert [one["variant"] for one in shell.json("artifact", "list", "digits", *before)] == [
        "source"
    ]
    assert len(shell.json("dataset", "list", *before)) == 2
    quotas = {one["kind"]: one["used"] for one in shell.json("quota", *before)["quotas"]}
    assert quotas["optimizations"] == 0
    assert len(shell.json("key", "list", *before)) == 1
    assert "Raspberry Pi 5" in shell.out("profile", "list", *before)
    assert shell.json("events", "show", "digits", *before)[-1]["topic"] == "model.version-uploaded"
    assert shell.json("artifact", "show", "digits:source", *before)["benchmark"] is None
    assert shell.json("model", "list", "--as-of", "2 days ago") == []
    assert len(shell.json("model", "list", "--as-of", "now")) >= 1
    assert shell.refusal("model", "list", "--as-of", "9999999")["code"] == "INVALID"
    assert shell.refusal("job", "list", "--as-of", "tomorrow")["field"] == "as-of"


def test_events_are_exported_as_cloud_events(shell: Shell, pushed: Any) -> None:
    lines = [json.loads(line) for line in shell.out("events", "export").splitlines()]
    positions = [int(line["position"]) for line in lines]
    assert positions == sorted(set(positions))
    assert {line["specversion"] for line in lines} == {"1.0"}
    assert len({line["id"] for line in lines}) == len(lines)
    rest = shell.out("events", "export", "--after", str(positions[2])).splitlines()
    assert len(rest) >= len(lines) - 3


def test_new_events_are_followed(shell: Shell, pushed: Any) -> None:
    following = subprocess.Popen(
        [EDGEWISE, "events", "tail", "--follow", "-n", "1", "--json"],
        cwd=shell.folder,
        env=shell.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert following.stdout is not None
        following.stdout.readline()
        topics = (json.loads(line)["topic"] for line in following.stdout)
        shell.run("model", "archive", "digits")
        assert "model.archived" in topics
        shell.run("model", "restore", "digits")
        assert "model.restored" in topics
    finally:
        following.terminate()
        following.communicate()


def test_a_job_is_cancelled(shell: Shell, pushed: Any) -> None:
    job = shell.json("benchmark", "digits", "source", *LONG, "--no-watch")
    shell.run("job", "cancel", job["id"])
    done = shell.run("job", "watch", job["id"], code=1)
    assert "error: CANCELLED" in done.stderr
    assert shell.json("job", "list", "-n", "1")[0]["status"] == "CANCELLED"


def test_leaving_a_watch_leaves_the_job(shell: Shell, pushed: Any) -> None:
    job = shell.json("benchmark", "digits", "source", *LONG, "--no-watch")
    terminal, theirs = pty.openpty()
    watching = subprocess.Popen(
        [EDGEWISE, "job", "watch", job["id"]],
        env={**shell.environment, "TERM": "xterm", "COLUMNS": "200"},
        stderr=theirs,
    )
    os.close(theirs)
    assert "0 %" in shown(terminal, until="0 %")
    watching.send_signal(signal.SIGINT)
    told = shown(terminal)
    os.close(terminal)
    assert watching.wait(timeout=PATIENCE) == 130
    assert "Watch it again: edgewise job watch" in told
    assert shell.json("job", "show", job["id"])["status"] in ("QUEUED", "RUNNING")
    shell.run("job", "cancel", job["id"])


def shown(terminal: int, until: str | None = None) -> str:
    """What a terminal is told, less colors and movements: up to some words, or to the end."""
    told, words = b"", ""
    while until is None or until not in words:
        try:
            told += os.read(terminal, 4096)
        except OSError:  # how Linux says that nobody writes any more
            break
        words = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told.decode(errors="ignore"))
    return words


def test_deleting_asks_first(shell: Shell, pushed: Any) -> None:
    shell.json("push", "digits.onnx", "--name", "fleeting")
    assert shell.refusal("model", "delete", "fleeting")["code"] == "CONFIRM"
    shell.run("model", "delete", "fleeting", "--yes")
    assert shell.refusal("model", "show", "fleeting")["code"] == "NOT_FOUND"


def test_profiles_are_defined_revised_and_deleted(shell: Shell) -> None:
    hardware = ("--architecture", "aarch64", "--cores", "4", "--runtime", "onnxruntime")
    shell.run("profile", "define", "board", *hardware, "--memory", "512MiB")
    revised = shell.json("profile", "revise", "board", *hardware, "--memory", "1GiB")
    assert revised["deviceProfile"]["memoryBytes"] == 2**30
    assert "Raspberry Pi 5" in shell.out("profile", "list")
    shell.run("profile", "delete", "board", "--yes")
    assert shell.refusal("profile", "delete", "board", "--yes")["code"] == "NOT_FOUND"


def test_a_tenant_of_its_own_sees_nothing_of_others(shell: Shell, pushed: Any) -> None:
    tenant = shell.json("tenant", "register", "acme", "--plan", "free")["tenant"]
    key = shell.out("key", "issue", "admin", "--role", "owner", "--tenant", tenant["id"]).strip()
    theirs = ("--token", key)
    assert shell.json("model", "list", *theirs) == []
    for wanted in ("digits", pushed["model"]["id"]):
        assert shell.refusal("model", "show", wanted, *theirs)["code"] == "NOT_FOUND"
    assert "free" in shell.out("quota", *theirs)
    shell.run("tenant", "plan", tenant["id"], "starter")
    shell.run("tenant", "flag", tenant["id"], "edge_ai_models", "off")
    assert "edge_ai_models" in shell.out("status", *theirs)
    assert shell.refusal("push", "digits.onnx", *theirs)["code"] == "FEATURE_DISABLED"


def test_a_revoked_key_is_of_no_use(shell: Shell) -> None:
    key = shell.out("key", "issue", "short-lived", "--role", "viewer").strip()
    shell.run("status", "--token", key)
    assert shell.refusal("key", "list", "--token", key)["code"] == "FORBIDDEN"
    shell.run("key", "revoke", "short-lived")
    assert shell.refusal("status", "--token", key)["code"] == "UNAUTHENTICATED"


def test_a_login_is_used_by_later_commands(shell: Shell, platform: Running) -> None:
    elsewhere = {k: v for k, v in shell.environment.items() if k != "EDGEWISE_HOME"}
    away = Shell(shell.folder, {**elsewhere, "XDG_DATA_HOME": str(shell.folder / "no")})
    server = platform.server
    away.run("login", server.url, "--token", server.token)
    assert away.json("status")["server"] == {"url": server.url, "origin": "login"}
    assert away.run("login", server.url, "--token", "wrong", code=1).stderr.startswith(
        "error: UNAUTHENTICATED"
    )
    away.run("status")
    away.run("logout")
    assert away.refusal("status")["code"] == "NO_SERVER"


def test_many_models_are_optimized_together_and_one_that_cannot_be_leaves_the_others(
    shell: Shell, pushed: Any
) -> None:
    shell.json("push", "digits.onnx", "--name", "also", "--task", "regression")
    shell.json("push", "digits.onnx", "--name", "third", "--task", "regression")
    done = shell.json("optimize", "--task", "regression", "--pass", "graph")
    assert sorted(one["model"] for one in done["items"]) == ["also", "third"]
    assert {one["job"]["status"] for one in done["items"]} == {"SUCCEEDED"}
    told = shell.run("optimize", "also", "third", "--pass", "graph").stdout
    assert "2 of 2 succeeded." in told
    assert shell.refusal("optimize")["code"] == "USAGE"
    assert shell.refusal("optimize", "also", "--all")["code"] == "USAGE"
    assert shell.refusal("optimize", "also", "nobody")["code"] == "NOT_FOUND"
    both = ("optimize", "also", "third", "--pass", "static_int8")
    refused = shell.json(*both, code=1)["items"]
    assert [one["userErrors"][0]["code"] for one in refused] == ["INVALID", "INVALID"]


def test_a_profile_says_what_it_decides_before_and_with_the_job(shell: Shell, pushed: Any) -> None:
    advice = shell.json("passes", "--for", "x86-64 server")
    assert advice["reduceRange"]
    assert "FP16" not in advice["passes"]
    assert "VNNI" in shell.out("passes", "--for", "x86-64 server")
    asked = ("optimize", "digits", "--profile", "x86-64 server", "--no-watch")
    job = shell.json(*asked)
    assert any("VNNI" in reason for reason in job["reasons"])
    shell.run("job", "cancel", job["id"])
