"""A small convolutional network, trained here on scikit-learn's handwritten digits.

        image [N, 1, 8, 8] ► Conv 3×3, 16 ► Relu ► Conv 3×3, 32 ► Relu ► MaxPool 2×2
                           ► Gemm 128 ► Relu ► Gemm 10 ► logits [N, 10]

Plain numpy, seeded: the same machine trains the same bytes twice. A fifth of the images is held
out before training and never seen by it, so the accuracy on it is a real figure.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demo import network
from demo.network import Floats, Weights

SEED = 7
CLASSES = 10
INPUT, OUTPUT = "image", "logits"
CALIBRATION_ROWS = 512


@dataclass(frozen=True, slots=True)
class Split:
    """Images as float32 [N, 1, 8, 8] from 0 to 1, and their labels."""

    images: Floats
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Files:
    """What the demo pushes, and the accuracy on held-out images before any optimization."""

    model: Path
    calibration: Path
    evaluation: Path
    accuracy: float


def load() -> tuple[Split, Split]:
    """Training and held-out images, always the same."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = (found.images / 16.0).astype(np.float32)[:, None, :, :]
    labels = found.target.astype(np.int64)
    order = np.random.default_rng(SEED).permutation(len(labels))
    held_out = len(labels) // 5
    test, train = order[:held_out], order[held_out:]
    return Split(images[train], labels[train]), Split(images[test], labels[test])


def train(data: Split, epochs: int = 12, batch: int = 64) -> Weights:
    """The weights after some passes over the data, with Adam and a falling step.

    On one thread: the products are small, and on a busy machine waiting for each other's threads
    took ten times as long as the work. It also makes the bytes independent of the cores."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return _trained(data, epochs, batch)


def _trained(data: Split, epochs: int, batch: int) -> Weights:
    from threadpoolctl import threadpool_limits

    random = np.random.default_rng(SEED)
    weights = network.initial(random, CLASSES)
    optimizer = network.Adam(weights)
    # The matrices are small: more threads win nothing, and their number would change the sums.
    with threadpool_limits(1):
        for epoch in range(epochs):
            order = random.permutation(len(data.labels))
            step = 2e-3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
            for start in range(0, len(order), batch):
                rows = order[start : start + batch]
                gradients = network.gradients(weights, data.images[rows], data.labels[rows])
                optimizer.update(weights, gradients, step)
    return weights


def accuracy(weights: Weights, data: Split) -> float:
    """The share of images whose largest logit is the right one."""
    found = network.logits(weights, data.images).argmax(axis=1)
    return float((found == data.labels).mean())


def to_onnx(weights: Weights) -> bytes:
    """The network as an ONNX file; the batch is free."""
    from onnx import TensorProto, checker, helper, numpy_helper

    node = helper.make_node
    nodes = [
        node("Conv", [INPUT, "w1", "b1"], ["c1"], "conv1", pads=[1, 1, 1, 1]),
        node("Relu", ["c1"], ["r1"], "relu1"),
        node("Conv", ["r1", "w2", "b2"], ["c2"], "conv2", pads=[1, 1, 1, 1]),
        node("Relu", ["c2"], ["r2"], "relu2"),
        node("MaxPool", ["r2"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["p"], ["f"], "flatten", axis=1),
        node("Gemm", ["f", "w3", "b3"], ["g"], "dense", transB=0),
        node("Relu", ["g"], ["r3"], "relu3"),
        node("Gemm", ["r3", "w4", "b4"], [OUTPUT], "classes", transB=0),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["N", CLASSES])],
        [numpy_helper.from_array(value, name) for name, value in sorted(weights.items())],
    )
    opsets = [helper.make_opsetid("", 17)]
    model: Any = helper.make_model(
        graph, opset_imports=opsets, producer_name="edgewise-demo", ir_version=8
    )
    checker.check_model(model, full_check=True)
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized


def prepare(folder: Path) -> Files:
    """Trains, and writes `digits.onnx`, `digits-calibration.npz` and `digits-evaluation.npz`."""
    training, held_out = load()
    weights = train(training)
    folder.mkdir(parents=True, exist_ok=True)
    files = Files(
        folder / "digits.onnx",
        folder / "digits-calibration.npz",
        folder / "digits-evaluation.npz",
        accuracy(weights, held_out),
    )
    files.model.write_bytes(to_onnx(weights))
    np.savez(files.calibration, image=training.images[:CALIBRATION_ROWS])
    np.savez(files.evaluation, image=held_out.images, labels=held_out.labels)
    return files
