"""Running a model in the process: the cache by input, and what a window counts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.inference.predictor import Predictor, digest
from edge.inference.runtimes import BadInput, ModelRefused, load
from tests.edge.test_inference import model
from tests.engine.tflite import dense_net


class Counting:
    """A runtime that counts its runs."""

    inputs: Mapping[str, str] = {}

    def __init__(self) -> None:
        self.runs = 0

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        self.runs += 1
        if "bad" in inputs:
            raise BadInput("bad")
        return {"sum": np.float64(sum(float(array.sum()) for array in inputs.values()))}


def test_the_same_input_is_run_once_and_the_least_used_is_forgotten() -> None:
    runtime = Counting()
    predictor = Predictor(runtime, "0", entries=2)
    one, two, three = ({"x": np.full(3, value)} for value in (1.0, 2.0, 3.0))
    for inputs in (one, two, one, one):
        assert predictor.predict(inputs)["sum"] == inputs["x"].sum()
    assert runtime.runs == 2
    predictor.predict(three)  # two goes
    predictor.predict(one)
    assert runtime.runs == 3
    predictor.predict(two)
    assert runtime.runs == 4
    window = predictor.window.ended()
    assert window is not None
    assert (window["count"], window["cached"]) == (7, 3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"x": np.zeros(4)}, {"y": np.zeros(4)}),
        ({"x": np.zeros(4)}, {"x": np.zeros((2, 2))}),
        ({"x": np.zeros(4, np.int32)}, {"x": np.zeros(4, np.float32)}),
        ({"x": np.arange(4)}, {"x": np.arange(4)[::-1]}),
        ({"x": np.zeros(0)}, {"x": np.zeros(1)}),
    ],
)
def test_inputs_that_differ_in_anything_are_not_taken_for_each_other(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert digest(one) != digest(other)


def test_failures_are_counted_and_not_remembered() -> None:
    predictor = Predictor(Counting(), "0", entries=2)
    for _ in range(2):
        with pytest.raises(BadInput):
            predictor.predict({"bad": np.zeros(1)})
    window = predictor.window.ended()
    assert window is not None
    assert (window["failed"], window["count"], window["p50_ms"]) == (2, 0, None)
    assert predictor.window.ended() is None


def test_onnx_runs_and_a_bad_file_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(model(2))
    found = load(file, "ONNX", 1).run({"x": np.ones((1, 4), np.float32)})
    assert found["y"].tolist() == [[2, 2, 2, 2]]
    file.write_bytes(b"nothing")
    for format in ("ONNX", "TFLITE", "GGUF"):
        with pytest.raises(ModelRefused) as refused:
            load(file, format, 0)
        assert "\n" not in str(refused.value)


def test_litert_runs_and_inputs_that_broke_a_call_break_no_other(tmp_path: Path) -> None:
    runtime = load(dense_net(tmp_path / "model.tflite"), "TFLITE", 1)
    good = {"x": np.ones((1, 64), np.float32)}
    (expected,) = runtime.run(good).values()
    rows = {"x": np.ones((3, 64), np.float32)}
    for bad in ({"z": np.ones(1)}, {"x": np.ones((1, 3, 7, 2), np.float32)}, {"x": np.ones(64)}):
        with pytest.raises(BadInput) as refused:
            runtime.run(bad)
        assert "x" in str(refused.value)
        (found,) = runtime.run(good).values()
        assert found.tolist() == expected.tolist()
    (three,) = runtime.run(rows).values()
    assert three.shape == (3, 10)
    assert np.allclose(three, expected)
    (again,) = runtime.run(good).values()
    assert again.shape == (1, 10)
