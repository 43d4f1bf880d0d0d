"""Small models and datasets for the engine's tests: seeded, and trained where accuracy counts."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

FLOAT, INT32, INT64 = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64
Array = NDArray[Any]


def saved(model: onnx.ModelProto, folder: Path, name: str = "model.onnx") -> Path:
    path = folder / name
    onnx.save(model, str(path))
    return path


def value(name: str, shape: list[Any], kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name: str, array: Array) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(array), name)


def model_of(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    weights: list[onnx.TensorProto],
    opset: int = 17,
    **extra: Any,
) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "graph", inputs, outputs, weights)
    opsets = extra.pop("opsets", [helper.make_opsetid("", opset)])
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **extra)


@dataclass(frozen=True)
class Digits:
    """Trained on one half of scikit-learn's digits; the other half was held out."""

    model: onnx.ModelProto
    train: Array
    test: Array
    test_labels: Array


@cache
def digits(opset: int = 17) -> Digits:
    """Random 3×3 convolutions, ReLU, pooling, and a trained layer on top: about 97 % right."""
    data = load_digits()
    images = (data.images / 16.0).astype(np.float32)[:, None, :, :]
    train, test, labels, test_labels = train_test_split(
        images, data.target, test_size=0.5, random_state=0, stratify=data.target
    )
    random = np.random.default_rng(7)
    filters = random.normal(0, 0.4, (32, 1, 3, 3)).astype(np.float32)
    fitted = LogisticRegression(max_iter=300).fit(_features(train, filters), labels)
    model = model_of(
        [
            helper.make_node("Conv", ["image", "filters"], ["conv"], name="conv", pads=[1] * 4),
            helper.make_node("Relu", ["conv"], ["relu"], name="relu"),
            helper.make_node(
                "MaxPool", ["relu"], ["pool"], name="pool", kernel_shape=[2, 2], strides=[2, 2]
            ),
            helper.make_node("Flatten", ["pool"], ["flat"], name="flat"),
            helper.make_node("Gemm", ["flat", "weights", "bias"], ["score"], name="gemm"),
            helper.make_node("Softmax", ["score"], ["class"], name="softmax", axis=1),
        ],
        [value("image", ["n", 1, 8, 8])],
        [value("class", ["n", 10])],
        [
            constant("filters", filters),
            constant("weights", fitted.coef_.T.astype(np.float32)),
            constant("bias", fitted.intercept_.astype(np.float32)),
        ],
        opset,
    )
    return Digits(model, train, test, test_labels.astype(np.int64))


def _features(images: Array, filters: Array) -> Array:
    """The network up to its last layer, in NumPy."""
    padded = np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    maps = np.maximum(np.einsum("nhwij,fij->nfhw", windows, filters[:, 0]), 0)
    pooled = maps.reshape(len(images), len(filters), 4, 2, 4, 2).max(axis=(3, 5))
    return pooled.reshape(len(images), -1)


def saved_digits(folder: Path) -> tuple[Path, Path, Path]:
    """The model, calibration rows and labelled evaluation rows, as files."""
    known = digits()
    calibration, evaluation = folder / "calibration.npz", folder / "evaluation.npz"
    np.savez(calibration, image=known.train[:256])
    np.savez_compressed(evaluation, image=known.test, labels=known.test_labels)
    return saved(known.model, folder, "digits.onnx"), calibration, evaluation


def matmul(rows: int = 64, columns: int = 64, opset: int = 17) -> onnx.ModelProto:
    """One MatMul: x [n, rows] · w."""
    weights = np.random.default_rng(1).normal(size=(rows, columns)).astype(np.float32)
    return model_of(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="matmul")],
        [value("x", ["n", rows])],
        [value("y", ["n", columns])],
        [constant("w", weights)],
        opset,
    )


def embedding(words: int = 100, width: int = 16) -> onnx.ModelProto:
    """Looks up `words` rows: an index beyond them does not run."""
    table = np.random.default_rng(2).normal(size=(words, width)).astype(np.float32)
    return model_of(
        [
            helper.make_node("Gather", ["table", "ids"], ["rows"], name="lookup"),
            helper.make_node("ReduceMean", ["rows"], ["mean"], name="mean", axes=[1], keepdims=0),
        ],
        [value("ids", ["n", 8], INT64)],
        [value("mean", ["n", width])],
        [constant("table", table)],
    )


def relu() -> onnx.ModelProto:
    """No weights at all."""
    return model_of(
        [helper.make_node("Relu", ["x"], ["y"], name="relu")],
        [value("x", ["n", 4])],
        [value("y", ["n", 4])],
        [],
    )


def huge_output() -> onnx.ModelProto:
    """A few weights; 1.6 GB when it is run."""
    return model_of(
        [
            helper.make_node("MatMul", ["x", "w"], ["y"], name="matmul"),
            helper.make_node("Expand", ["y", "size"], ["z"], name="expand"),
            helper.make_node("Add", ["z", "one"], ["big"], name="add"),
        ],
        [value("x", ["n", 4])],
        [value("big", [20_000, 20_000])],
        [
            constant("w", np.ones((4, 1), np.float32)),
            constant("size", np.array([20_000, 20_000])),
            constant("one", np.ones(1, np.float32)),
        ],
    )
