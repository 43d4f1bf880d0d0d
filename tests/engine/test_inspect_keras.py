"""What a Keras file is told to be, without Keras; and that none is taken that runs code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from application.ports.engine import EngineRefusal
from domain.model_format import ModelFormat
from domain.signature import TensorSpec
from infrastructure.engine.inspectors import SandboxedModelInspector
from infrastructure.engine.keras.inspect import inspect_keras
from infrastructure.engine.sandbox import Sandbox
from infrastructure.engine.sniff import sniff
from tests.engine.test_sniff import zipped

Config = dict[str, Any]
Wrap = Callable[[Config], Config]
Save = Callable[[Path, Config], Path]


def layer(kind: str, name: str, module: str | None = "keras.layers", **config: Any) -> Config:
    return {
        "module": module,
        "class_name": kind,
        "config": {"name": name, "dtype": "float32", **config},
        "registered_name": None,
    }


def sequential(*layers: Config, name: str = "net") -> Config:
    first = layer("InputLayer", "x", batch_shape=[None, 8])
    config = {"name": name, "layers": [first, *layers]}
    return {"module": "keras", "class_name": "Sequential", "config": config}


def functional(*layers: Config) -> Config:
    """x → … → the last layer."""
    first = layer("InputLayer", "x", batch_shape=[None, 8])
    config = {
        "name": "net",
        "layers": [first, *layers],
        "input_layers": [["x", 0, 0]],
        "output_layers": ["y", 0, 0],
    }
    return {"module": "keras.src.models.functional", "class_name": "Functional", "config": config}


def as_zip(tmp_path: Path, config: Config) -> Path:
    weights, file = tmp_path / "weights.h5", tmp_path / "model.keras"
    with h5py.File(weights, "w") as made:
        made.create_dataset("layers/dense/vars/0", data=np.zeros((8, 3), np.float32))
        made.create_dataset("layers/dense/vars/1", data=np.zeros(3, np.float32))
        made.create_dataset("optimizer/vars/0", data=np.zeros(1000, np.float32))
    parts = {
        "config.json": json.dumps(config),
        "metadata.json": "{}",
        "model.weights.h5": weights.read_bytes(),
    }
    file.write_bytes(zipped(parts))
    return file


def as_hdf5(tmp_path: Path, config: Config) -> Path:
    file = tmp_path / "model.h5"
    with h5py.File(file, "w") as made:
        made.attrs["model_config"] = json.dumps(config)
        made.create_dataset("model_weights/dense/kernel", data=np.zeros((8, 3), np.float32))
        made.create_dataset("model_weights/dense/bias", data=np.zeros(3, np.float32))
        made.create_dataset("optimizer_weights/m", data=np.zeros(1000, np.float32))
    return file


BOTH = pytest.mark.parametrize("save", [as_zip, as_hdf5])


@BOTH
def test_a_model_is_read_without_keras(tmp_path: Path, save: Save) -> None:
    y = layer("Dense", "y", units=3)
    found = inspect_keras(save(tmp_path, functional(layer("Dropout", "d"), y)))["signature"]
    assert found["inputs"] == [{"name": "x", "dtype": "float32", "shape": ["?", 8]}]
    assert found["outputs"] == [{"name": "y", "dtype": "float32", "shape": ["?"]}]
    assert found["operators"] == {"Dense": 1, "Dropout": 1}
    assert found["parameters"] == 8 * 3 + 3


@BOTH
def test_a_model_is_read_in_the_sandbox(tmp_path: Path, save: Save) -> None:
    file = save(tmp_path, sequential(layer("Dense", "y", units=3)))
    assert sniff(file) is ModelFormat.KERAS
    found = SandboxedModelInspector(Sandbox(), tmp_path).inspect(file)
    assert found.signature is not None
    assert found.signature.inputs == (TensorSpec("x", "float32", ("?", 8)),)


LAMBDA = layer("Lambda", "trick", function={"class_name": "__lambda__", "config": {"code": "x"}})
WRAPS: list[Wrap] = [
    lambda bad: sequential(bad),
    lambda bad: functional(bad, layer("Dense", "y")),
    lambda bad: functional(layer("TimeDistributed", "each", layer=bad)),
    lambda bad: sequential(layer("Bidirectional", "both", layer=bad, backward_layer=None)),
    lambda bad: functional(sequential(layer("Dense", "a"), bad, name="inner")),
    lambda bad: functional(layer("TimeDistributed", "each", layer=sequential(bad, name="deep"))),
]


@BOTH
@pytest.mark.parametrize("wrap", WRAPS)
def test_a_lambda_layer_is_refused_wherever_it_is(tmp_path: Path, wrap: Wrap, save: Save) -> None:
    with pytest.raises(EngineRefusal, match="Lambda layer") as caught:
        inspect_keras(save(tmp_path, wrap(LAMBDA)))
    assert caught.value.code == "RUNS_CODE"
    assert "“trick”" in caught.value.message
    assert "ONNX" in caught.value.remedy


def test_a_lambda_is_refused_through_the_sandbox(tmp_path: Path) -> None:
    with pytest.raises(EngineRefusal, match="run its maker"):
        SandboxedModelInspector(Sandbox(), tmp_path).inspect(as_hdf5(tmp_path, sequential(LAMBDA)))


def custom(**changes: Any) -> Config:
    return {**layer("Dense", "odd"), **changes}


CUSTOM: list[tuple[str, Config]] = [
    ("os", custom(module="os", class_name="system")),
    ("my_package", custom(module="my_package.layers")),
    ("kerasx", custom(module="kerasx.layers")),
    ("keras.utils", custom(module="keras.utils", class_name="get_file")),
    ("keras.src.saving", custom(module="keras.src.saving", class_name="load_model")),
    ("keras.config", custom(module="keras.config", class_name="enable_unsafe_deserialization")),
    ("mine>Odd", custom(registered_name="mine>Odd")),
    ("mine>Odd", custom(module=None, class_name="mine>Odd")),
    ("my_loss", custom(module="builtins", class_name="function", config="my_loss")),
    ("get_file", custom(module="keras.utils", class_name="function", config="get_file")),
    ("TFSMLayer", custom(class_name="TFSMLayer")),
    ("TorchModuleWrapper", custom(class_name="TorchModuleWrapper")),
    ("TFOpLambda", custom(module=None, class_name="TFOpLambda")),
    ("Lambda", custom(class_name="keras>Lambda")),
]


@pytest.mark.parametrize(("word", "bad"), CUSTOM)
def test_what_is_not_keras_own_is_refused_by_name(tmp_path: Path, word: str, bad: Config) -> None:
    inside = layer("Dense", "y", kernel_initializer=bad)
    for config in (sequential(bad), sequential(inside)):
        with pytest.raises(EngineRefusal, match=word) as caught:
            inspect_keras(as_zip(tmp_path, config))
        assert caught.value.code == "RUNS_CODE"


def test_a_loss_of_ones_own_is_no_hindrance_for_inference_does_not_need_it(tmp_path: Path) -> None:
    config = sequential(layer("Dense", "y"))
    loss = {"module": "builtins", "class_name": "function", "config": "my_loss"}
    config["compile_config"] = {"optimizer": "adam", "loss": loss}
    assert inspect_keras(as_zip(tmp_path, config))["signature"]


def test_a_class_of_ones_own_is_refused_with_a_remedy(tmp_path: Path) -> None:
    config = {"module": None, "class_name": "MyModel", "config": {}, "registered_name": None}
    with pytest.raises(EngineRefusal, match="MyModel") as caught:
        inspect_keras(as_zip(tmp_path, config))
    assert "export" in caught.value.remedy


def test_configurations_that_are_none_are_refused(tmp_path: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    for text in ("", "[]", "null", "{", '{"class_name": 3}', deep):
        file = tmp_path / "model.keras"
        file.write_bytes(zipped({"config.json": text, "metadata.json": "{}"}))
        with pytest.raises(EngineRefusal):
            inspect_keras(file)


def test_a_link_out_of_the_file_is_refused(tmp_path: Path) -> None:
    file = as_hdf5(tmp_path, sequential(layer("Dense", "y")))
    with h5py.File(file, "a") as made:
        made["model_weights/away"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(EngineRefusal, match="is a link"):
        inspect_keras(file)


def test_numbers_kept_in_another_file_are_refused(tmp_path: Path) -> None:
    file = as_hdf5(tmp_path, sequential(layer("Dense", "y")))
    with h5py.File(file, "a") as made:
        made.create_dataset("model_weights/w", (4,), "f4", external=[("/etc/passwd", 0, 16)])
    with pytest.raises(EngineRefusal, match="another file"):
        inspect_keras(file)
