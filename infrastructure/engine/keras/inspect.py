"""Reads what a Keras model takes and gives, out of its configuration; no TensorFlow.

.keras is a zip of config.json, metadata.json and model.weights.h5; .h5 is HDF5 with the
configuration in the attribute `model_config`. What cannot be built without running code is refused.
The shapes of outputs are not in the configuration: they are told when the model is run.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infrastructure.engine import archive
from infrastructure.engine.keras import weights
from infrastructure.engine.keras.safety import check_safe
from infrastructure.engine.refusals import model_refused

MOST_CONFIG_BYTES = 128 * 2**20
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
MODELS = ("Sequential", "Functional", "Model")
REMEDY = "Save the whole model again: model.save(“model.keras”)."

Config = dict[str, Any]


def inspect_keras(file: Path) -> dict[str, Any]:
    """`{"signature", "warnings"}`. Raises EngineRefusal for a model that cannot be taken."""
    config, parameters = _read(file)
    kind, inner = config.get("class_name"), config.get("config")
    if kind not in MODELS or not isinstance(inner, dict | list):
        raise model_refused(
            "NOT_SUPPORTED",
            f"The model is a {str(kind)[:80]}, a class of its maker's, whose code is not in it.",
            "Build it as a Sequential or Functional model, or export it: model.export(“folder”) "
            "and zip the folder.",
        )
    layers = [one for one in _list(inner, "layers") if isinstance(one, dict)]
    signature = {
        "inputs": _inputs(inner, layers),
        "outputs": _outputs(inner, layers),
        "parameters": parameters,
        "opset": None,
        "operators": dict(sorted(Counter(_kinds(layers)).items())),
    }
    return {"signature": signature, "warnings": []}


def _read(file: Path) -> tuple[Config, int | None]:
    """The configuration, and how many weights there are."""
    with file.open("rb") as stream:
        zipped = stream.read(2) == b"PK"
    if not zipped:
        text, counted = weights.of_hdf5(file)
        return _safe(text), counted
    config = _safe(archive.content(file, CONFIG, MOST_CONFIG_BYTES))
    names = {entry.filename for entry in archive.entries(file)}
    return config, weights.of_zip(file, WEIGHTS) if WEIGHTS in names else None


def _safe(text: bytes) -> Config:
    """The configuration, checked; without what it was compiled with, which inference does not
    need and a loader does not build when told compile=False."""
    config = _parsed(text)
    config.pop("compile_config", None)
    check_safe(config)
    return config


def _parsed(text: bytes) -> Config:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise model_refused(
            "INVALID_MODEL", f"Its configuration is no JSON ({str(error)[:120]}).", REMEDY
        ) from error
    if not isinstance(found, dict):
        raise model_refused("INVALID_MODEL", "Its configuration describes no model.", REMEDY)
    return found


def _inputs(inner: Any, layers: list[Config]) -> list[Config]:
    named = [one for one in layers if one.get("class_name") == "InputLayer"]
    wanted = _ends(inner, "input_layers")
    if wanted:
        by_name = {_own(one, "name"): one for one in named}
        named = [by_name[name] for name in wanted if name in by_name]
    if not named and layers:
        named = layers[:1]  # a Sequential whose first layer carries the shape
    return [_spec(one) for one in named if _own(one, "name")]


def _spec(layer: Config) -> Config:
    shape = _own(layer, "batch_shape") or _own(layer, "batch_input_shape")
    if shape is None:
        built = layer.get("build_config")
        shape = built.get("input_shape") if isinstance(built, dict) else None
    places: list[int | str] = ["?"]
    if isinstance(shape, list):
        places = [one if isinstance(one, int) and one >= 0 else "?" for one in shape]
    return {"name": _own(layer, "name"), "dtype": _dtype(layer), "shape": places}


def _outputs(inner: Any, layers: list[Config]) -> list[Config]:
    wanted = _ends(inner, "output_layers")
    if not wanted and layers:
        wanted = [str(_own(layers[-1], "name"))]
    by_name = {_own(one, "name"): one for one in layers}
    return [
        {"name": name, "dtype": _dtype(by_name.get(name, {})), "shape": ["?"]} for name in wanted
    ]


def _ends(inner: Any, side: str) -> list[str]:
    """Names of layers: `[name, node, tensor]`, a list of these, or a dictionary of them."""
    return list(_named(inner.get(side) if isinstance(inner, dict) else None))


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list) or not value:
        return
    if isinstance(value[0], str):
        yield value[0]
        return
    for one in value:
        yield from _named(one)


def _dtype(layer: Config) -> str:
    """What the layer computes in: `dtype` is a name, or a policy with one."""
    found = _own(layer, "dtype")
    if isinstance(found, dict):
        inner = found.get("config")
        found = inner.get("name") if isinstance(inner, dict) else None
    if not isinstance(found, str):
        return "float32"
    return {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}.get(found, found)


def _kinds(layers: list[Config]) -> Iterator[str]:
    """Classes of layers, those of submodels and inside wrappers too."""
    for layer in layers:
        kind = layer.get("class_name")
        inner = layer.get("config")
        if isinstance(kind, str) and kind not in (*MODELS, "InputLayer"):
            yield kind
        if isinstance(inner, dict):
            below = [*_list(inner, "layers"), inner.get("layer")]
            yield from _kinds([one for one in below if isinstance(one, dict)])


def _own(layer: Config, key: str) -> Any:
    inner = layer.get("config")
    return inner.get(key) if isinstance(inner, dict) else None


def _list(inner: Any, key: str) -> list[Any]:
    """Keras 1 wrote a Sequential as the list of its layers itself."""
    found = inner.get(key) if isinstance(inner, dict) else inner
    return found if isinstance(found, list) else []
