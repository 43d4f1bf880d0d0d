"""The demo's own network is really trained, always the same, and is what its ONNX file says."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from demo import digits, network
from demo.digits import Split
from demo.network import Weights


@pytest.fixture(scope="module")
def data() -> tuple[Split, Split]:
    return digits.load()


@pytest.fixture(scope="module")
def weights(data: tuple[Split, Split]) -> Weights:
    return digits.train(data[0])


def test_it_reads_at_least_96_percent_of_held_out_images(
    data: tuple[Split, Split], weights: Weights
) -> None:
    assert digits.accuracy(weights, data[1]) >= 0.96


def test_no_held_out_image_is_trained_on(data: tuple[Split, Split]) -> None:
    training, held_out = data
    assert len(training.labels) + len(held_out.labels) == 1797
    assert len(held_out.labels) == 359
    again = digits.load()[1]
    assert np.array_equal(again.images, held_out.images)


def test_training_twice_gives_the_same_bytes(data: tuple[Split, Split], weights: Weights) -> None:
    again = digits.train(data[0])
    assert digits.to_onnx(again) == digits.to_onnx(weights)


def test_the_gradients_are_those_of_the_loss(data: tuple[Split, Split]) -> None:
    random = np.random.default_rng(1)
    weights = network.initial(random, digits.CLASSES)
    # At a bias of nothing a blank place is just where Relu has no slope.
    for name in ("b1", "b2", "b3"):
        weights[name] += random.uniform(0.05, 0.1, weights[name].shape).astype(np.float32)
    images, labels = data[0].images[:8], data[0].labels[:8]
    found = network.gradients(weights, images, labels)
    for name, place in (("w1", (3, 0, 1, 2)), ("w2", (5, 2, 0, 1)), ("w3", (100, 7)), ("b1", (2,))):
        assert found[name][place] == pytest.approx(
            _slope(weights, name, place, images, labels), rel=0.05, abs=1e-4
        )


def test_onnx_runtime_agrees_with_the_numpy_network(
    data: tuple[Split, Split], weights: Weights, tmp_path: Path
) -> None:
    path = tmp_path / "digits.onnx"
    path.write_bytes(digits.to_onnx(weights))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images = data[1].images
    (found,) = session.run(None, {digits.INPUT: images})
    np.testing.assert_allclose(found, network.logits(weights, images), atol=1e-4)
    (one,) = session.run(None, {digits.INPUT: images[:1]})
    np.testing.assert_allclose(one, found[:1], atol=1e-4)


def test_the_file_is_a_convolutional_network_with_a_free_batch(weights: Weights) -> None:
    model = onnx.load_from_string(digits.to_onnx(weights))
    kinds = {node.op_type for node in model.graph.node}
    assert {"Conv", "Relu", "MaxPool", "Gemm"} <= kinds
    assert model.opset_import[0].version >= 17
    image = model.graph.input[0]
    assert image.name == "image"
    dimensions = image.type.tensor_type.shape.dim
    assert [one.dim_param or one.dim_value for one in dimensions] == ["N", 1, 8, 8]


def test_the_datasets_fit_the_model(tmp_path: Path) -> None:
    files = digits.prepare(tmp_path)
    calibration, evaluation = np.load(files.calibration), np.load(files.evaluation)
    assert set(calibration) == {"image"}
    assert set(evaluation) == {"image", "labels"}
    assert calibration["image"].dtype == np.float32
    assert evaluation["image"].shape == (359, 1, 8, 8)
    assert evaluation["labels"].dtype == np.int64
    assert files.accuracy >= 0.96


def _slope(
    weights: Weights,
    name: str,
    place: tuple[int, ...],
    images: network.Floats,
    labels: "np.typing.NDArray[np.int64]",
    step: float = 1e-6,
) -> float:
    losses = []
    for sign in (1, -1):
        moved = {key: value.astype(np.float64) for key, value in weights.items()}
        moved[name][place] += sign * step
        scores = network.logits(moved, images.astype(np.float64))
        shifted = scores - scores.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        losses.append(-logs[np.arange(len(labels)), labels].mean())
    return float((losses[0] - losses[1]) / (2 * step))
