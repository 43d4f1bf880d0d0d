"""Small networks with seeded weights, each with one trait that passes have to deal with."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

SEED = 7


class InMemoryRows:
    """Rows of arrays that are in memory already."""

    def __init__(self, **arrays: NDArray[np.generic]) -> None:
        self._labels = arrays.pop("labels", None)
        self._arrays = arrays
        self.largest_batch = 0

    @property
    def rows(self) -> int:
        return len(next(iter(self._arrays.values())))

    def iterate(self, batch_rows: int, limit: int | None = None):
        self.largest_batch = max(self.largest_batch, batch_rows)
        total = min(self.rows, self.rows if limit is None else limit)
        for start in range(0, total, batch_rows):
            end = min(start + batch_rows, total)
            yield {name: array[start:end] for name, array in self._arrays.items()}

    def labels(self, limit: int | None = None):
        return None if self._labels is None else self._labels[:limit]


def images(rows: int = 40) -> InMemoryRows:
    return InMemoryRows(image=_random(rows, 3, 8, 8))


def features(rows: int = 40) -> InMemoryRows:
    return InMemoryRows(x=_random(rows, 64))


def _random(*shape: int, scale: float = 1.0) -> NDArray[np.float32]:
    random = np.random.default_rng([SEED, *shape])
    return (random.standard_normal(shape) * scale).astype(np.float32)


def save(
    path: Path,
    nodes: list[NodeProto],
    given: dict[str, tuple[int, list[int | str]]],
    gives: dict[str, tuple[int, list[int | str]]],
    weights: dict[str, NDArray[np.generic]],
    opset: int = 13,
) -> Path:
    """Writes a checked model with these inputs and outputs (type, shape)."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(name, *spec) for name, spec in given.items()],
        [helper.make_tensor_value_info(name, *spec) for name, spec in gives.items()],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def conv_net(path: Path, opset: int = 13, fixed_batch: int | None = None) -> Path:
    """Conv, Relu, MaxPool, Conv, Relu, pooled to 10 classes by a Gemm and Softmax."""
    weights = {
        "w1": _random(16, 3, 3, 3, scale=0.3),
        "b1": _random(16, scale=0.1),
        "w2": _random(64, 16, 3, 3, scale=0.1),
        "b2": _random(64, scale=0.1),
        "wd": _random(64, 10, scale=0.5),
        "bd": _random(10, scale=0.1),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["c1"], "conv1", pads=[1] * 4),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("MaxPool", ["r1"], ["p1"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p1", "w2", "b2"], ["c2"], "conv2", pads=[1] * 4),
        helper.make_node("Relu", ["c2"], ["r2"], "relu2"),
        helper.make_node("GlobalAveragePool", ["r2"], ["g"], "mean"),
        helper.make_node("Flatten", ["g"], ["f"], "flat"),
        helper.make_node("Gemm", ["f", "wd", "bd"], ["logits"], "head"),
        helper.make_node("Softmax", ["logits"], ["scores"], "softmax", axis=1),
    ]
    batch: int | str = fixed_batch or "N"
    given = {"image": (TensorProto.FLOAT, [batch, 3, 8, 8])}
    return save(path, nodes, given, {"scores": (TensorProto.FLOAT, [batch, 10])}, weights, opset)


def mlp(path: Path, width: int = 256, wide_bias: bool = False) -> Path:
    """MatMul + Add, Relu, Gemm; with `wide_bias` the Gemm's bias has shape [1, 10]."""
    weights = {
        "w1": _random(64, width, scale=0.1),
        "b1": _random(width, scale=0.1),
        "w2": _random(width, 10, scale=0.1),
        "b2": _random(1, 10, scale=0.1) if wide_bias else _random(10, scale=0.1),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["m"], "dense"),
        helper.make_node("Add", ["m", "b1"], ["a"], "bias"),
        helper.make_node("Relu", ["a"], ["r"], "relu"),
        helper.make_node("Gemm", ["r", "w2", "b2"], ["logits"], "head"),
    ]
    given = {"x": (TensorProto.FLOAT, ["N", 64])}
    return save(path, nodes, given, {"logits": (TensorProto.FLOAT, ["N", 10])}, weights)


def clumsy(path: Path) -> Path:
    """A Gemm among nodes that do nothing and constants that could be folded."""
    weights = {"w": _random(64, 10), "one": np.float32([1.0]), "two": np.float32([2.0])}
    nodes = [
        helper.make_node("Identity", ["x"], ["i"], "nothing"),
        helper.make_node("Add", ["one", "two"], ["three"], "known"),
        helper.make_node("Mul", ["i", "three"], ["s"], "scale"),
        helper.make_node("Identity", ["s"], ["j"], "nothing-again"),
        helper.make_node("MatMul", ["j", "w"], ["y"], "dense"),
    ]
    given = {"x": (TensorProto.FLOAT, ["N", 64])}
    return save(path, nodes, given, {"y": (TensorProto.FLOAT, ["N", 10])}, weights)


def without_weights(path: Path) -> Path:
    """Relu and nothing else."""
    shape: list[int | str] = ["N", 64]
    nodes = [helper.make_node("Relu", ["x"], ["y"], "relu")]
    return save(
        path, nodes, {"x": (TensorProto.FLOAT, shape)}, {"y": (TensorProto.FLOAT, shape)}, {}
    )


def embedding(path: Path, vocabulary: int = 50) -> Path:
    """Integers of at most `vocabulary` − 1 look up rows; a Cast tells which were zero."""
    weights = {
        "table": _random(vocabulary, 16),
        "w": _random(16, 4),
        "zero": np.array([0], np.int64),
        "axes": np.array([2], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"], "lookup"),
        helper.make_node("Equal", ["ids", "zero"], ["is_zero"], "equal"),
        helper.make_node("Cast", ["is_zero"], ["mask"], "mask", to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "axes"], ["wide"], "widen"),
        helper.make_node("Add", ["rows", "wide"], ["seen"], "see"),
        helper.make_node("ReduceMean", ["seen"], ["mean"], "mean", axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["y"], "dense"),
    ]
    given = {"ids": (TensorProto.INT64, ["N", 12])}
    return save(path, nodes, given, {"y": (TensorProto.FLOAT, ["N", 4])}, weights)


def overflowing(path: Path) -> Path:
    """Sums of squares of 300-fold inputs: beyond 65,504, brought back by a square root."""
    weights = {"many": np.float32([300.0]), "w": _random(64, 10, scale=0.1)}
    nodes = [
        helper.make_node("Mul", ["x", "many"], ["big"], "enlarge"),
        helper.make_node("ReduceSumSquare", ["big"], ["sum"], "sum", axes=[1], keepdims=1),
        helper.make_node("Sqrt", ["sum"], ["length"], "length"),
        helper.make_node("Div", ["big", "length"], ["unit"], "normalize"),
        helper.make_node("MatMul", ["unit", "w"], ["y"], "dense"),
    ]
    given = {"x": (TensorProto.FLOAT, ["N", 64])}
    return save(path, nodes, given, {"y": (TensorProto.FLOAT, ["N", 10])}, weights)
