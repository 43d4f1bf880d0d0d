"""Models on a device: fetched whole, checked, swapped, run; and what goes wrong leaves the old
one."""

import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edge.protocol.commands import AnswerStatus, CommandKind
from edge.protocol.topics import Said
from tests.edge.platform.platform import TestPlatform
from tests.edge.running import RunningAgent
from tests.patience import eventually


def model(factor: float, pad: int = 0) -> bytes:
    """y = x · factor, as ONNX; `pad` bytes larger."""
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "factor"], ["y"])],
        "times",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 4])],
        [helper.make_tensor("factor", TensorProto.FLOAT, [], [factor])],
        doc_string="x" * pad,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def wish(platform: TestPlatform, content: bytes, **other: Any) -> dict[str, Any]:
    """The content offered as an artifact, and what the twin says of it."""
    artifact = uuid4()
    platform.http.artifacts[artifact] = content
    return {
        "artifact": str(artifact),
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "format": "ONNX",
        "name": "times",
        **other,
    }


def running(platform: TestPlatform, wished: dict[str, Any]) -> None:
    platform.desire({"model": wished})
    platform.reported(lambda one: one["model"] and one["model"]["sha256"] == wished["sha256"])


def failed(platform: TestPlatform, wished: dict[str, Any]) -> dict[str, Any]:
    """What was reported of it."""
    platform.desire({"model": wished})
    report = platform.reported(
        lambda one: (
            one["desired_version"] == platform.version
            and one["model"]
            and one["model"]["state"] == "FAILED"
        )
    )
    return dict(report["model"])


@pytest.fixture
def online(agent: RunningAgent) -> RunningAgent:
    agent.start()
    agent.online()
    return agent


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    file = tmp_path / "inputs.npz"
    np.savez(file, x=np.array([[1, 2, 3, 4]], np.float32))
    return file


def test_the_desired_model_is_fetched_and_runs(
    online: RunningAgent, platform: TestPlatform, inputs: Path, tmp_path: Path
) -> None:
    running(platform, wish(platform, model(2)))
    assert "y float32 [1, 4]: 2 4 6 8" in online.done("infer", inputs)
    out = tmp_path / "out.npz"
    online.done("infer", inputs, "--repeat", "20", "-o", out)
    assert np.load(out)["y"].tolist() == [[2, 4, 6, 8]]


def test_a_new_model_takes_the_place_of_the_old_one(
    online: RunningAgent, platform: TestPlatform, inputs: Path
) -> None:
    running(platform, wish(platform, model(2)))
    running(platform, wish(platform, model(3)))
    assert "3 6 9 12" in online.done("infer", inputs)


def test_a_download_goes_on_where_it_was_cut(online: RunningAgent, platform: TestPlatform) -> None:
    platform.http.cut_after = [100_000, 50_000]
    running(platform, wish(platform, model(2, pad=400_000)))
    assert platform.http.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_what_is_not_what_its_sha256_says_is_thrown_away_and_the_old_one_runs_on(
    online: RunningAgent, platform: TestPlatform, inputs: Path
) -> None:
    running(platform, wish(platform, model(2)))
    bad = wish(platform, model(3), sha256="0" * 64)
    report = failed(platform, bad)
    assert "sha256" in report["problem"]
    assert "2 4 6 8" in online.done("infer", inputs)
    assert not list((online.home / "models").glob("*.part"))


def test_a_model_that_does_not_load_keeps_the_old_one_and_says_why(
    online: RunningAgent, platform: TestPlatform, inputs: Path
) -> None:
    good = wish(platform, model(2))
    running(platform, good)
    report = failed(platform, wish(platform, b"this is no model"))
    assert "does not load" in report["problem"]
    assert report["sha256"] == good["sha256"]
    assert "2 4 6 8" in online.done("infer", inputs)


def test_an_artifact_that_is_not_there_is_reported(
    online: RunningAgent, platform: TestPlatform
) -> None:
    wished = wish(platform, model(2))
    del platform.http.artifacts[UUID(wished["artifact"])]
    assert "There is none" in failed(platform, wished)["problem"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("artifact", "x"), ("sha256", "../../etc"), ("bytes", -1), ("format", "PICKLE")],
)
def test_a_wish_that_makes_no_sense_is_reported(
    online: RunningAgent, platform: TestPlatform, name: str, value: object
) -> None:
    assert name in failed(platform, wish(platform, model(2), **{name: value}))["problem"]


def test_after_a_restart_the_model_runs_without_the_platform(
    online: RunningAgent, platform: TestPlatform, inputs: Path
) -> None:
    running(platform, wish(platform, model(2)))
    online.kill()
    platform.http.artifacts.clear()
    online.start()
    online.until(lambda status: status["model"] and status["model"]["state"] == "RUNNING")
    assert "2 4 6 8" in online.done("infer", inputs)


def test_restarting_the_runtime_brings_the_model_back(
    online: RunningAgent, platform: TestPlatform, inputs: Path
) -> None:
    running(platform, wish(platform, model(2)))
    assert platform.run(CommandKind.RESTART_RUNTIME).status is AnswerStatus.SUCCEEDED
    online.until(lambda status: status["model"] and status["model"]["state"] == "RUNNING")
    assert "2 4 6 8" in online.done("infer", inputs)


def test_inference_is_reported_by_the_window_and_never_its_inputs(
    online: RunningAgent, platform: TestPlatform, inputs: Path
) -> None:
    wished = wish(platform, model(2))
    platform.desire({"model": wished, "configuration": {"inference.window_seconds": 0.5}})
    platform.reported(lambda one: one["model"] and one["model"]["sha256"] == wished["sha256"])
    online.done("infer", inputs, "--repeat", "10")

    def windows() -> list[dict[str, Any]]:
        return [
            event
            for kind, body in list(platform.mqtt.batches)
            for event in body["events"]
            if kind is Said.TELEMETRY_MODEL and event["kind"] == "inference"
        ]

    assert eventually(lambda: sum(one["count"] for one in windows()) == 10)
    one = windows()[0]
    assert one["model"] == wished["sha256"]
    assert one["p50_ms"] <= one["p95_ms"]
    allowed = {"at", "kind", "sure", "model", "count", "failed", "cached", "p50_ms", "p95_ms"}
    assert set(one) <= allowed


def test_inputs_that_do_not_fit_are_refused_with_what_would(
    online: RunningAgent, platform: TestPlatform, tmp_path: Path
) -> None:
    running(platform, wish(platform, model(2)))
    file = tmp_path / "bad.npz"
    np.savez(file, z=np.zeros((1, 4), np.float32))
    result = online.tell("infer", file)
    assert result.returncode == 1
    assert "the model takes x: tensor(float)" in result.stderr


def test_a_pickle_is_never_opened(
    online: RunningAgent, platform: TestPlatform, tmp_path: Path
) -> None:
    running(platform, wish(platform, model(2)))
    file = tmp_path / "pickled.npz"
    np.savez(file, x=np.array([object()]))
    result = online.tell("infer", file)
    assert result.returncode == 1
    assert "no .npz of plain arrays" in result.stderr


def test_without_a_model_there_is_a_clear_word(online: RunningAgent, inputs: Path) -> None:
    result = online.tell("infer", inputs)
    assert result.returncode == 1
    assert "none is desired" in result.stderr
