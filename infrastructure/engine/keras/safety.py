"""Whether a Keras configuration can be built without running its maker's code.

Loading a Keras model means building the objects that its configuration names. Some of these are
code (Lambda holds Python bytecode), some load other files or pickles, and a module that is not
Keras' own can be anything. All are refused by name, wherever in the configuration they are: in a
submodel, a wrapper or a bidirectional layer as well as at the top. See CVE-2024-3660,
CVE-2025-1550, CVE-2025-8747, CVE-2025-9905 and CVE-2025-49655 for what happens otherwise.
"""

from collections.abc import Iterator
from typing import Any

from application.ports.engine import EngineRefusal
from infrastructure.engine.refusals import model_refused

MOST_DEPTH = 200
MOST_OBJECTS = 2_000_000
CODE = {
    "Lambda": "a Lambda layer, which holds Python code",
    "__lambda__": "a Python function",
    "TFSMLayer": "a TFSMLayer, which loads another file",
    "TorchModuleWrapper": "a TorchModuleWrapper, which loads a pickle",
    "JaxLayer": "a JaxLayer, which holds Python code",
    "FlaxLayer": "a FlaxLayer, which holds Python code",
    "TFOpLambda": "a TensorFlow call in place of a layer (TFOpLambda)",
    "SlicingOpLambda": "a TensorFlow call in place of a layer (SlicingOpLambda)",
    "TensorFlowOpLayer": "a TensorFlow graph in place of a layer (TensorFlowOpLayer)",
}
KERAS = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")
PARTS = (
    "activations", "applications", "constraints", "dtype_policies", "initializers", "layers",
    "losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "quantizers",
    "regularizers", "engine", "src",
)  # fmt: skip
"""Keras' modules of plain building blocks. Not `utils`, `saving` or `config`, which fetch files and
switch the safe mode off."""
CODE_REMEDY = (
    "Write that step with Keras' own layers or keras.ops, or convert the model to ONNX where it "
    "was made."
)


def check_safe(config: Any) -> None:
    """Raises EngineRefusal(RUNS_CODE | TOO_COMPLEX), naming the layer."""
    for found, layer in _objects(config):
        _check_class(found, layer)
        _check_origin(found, layer)


def _objects(config: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object in the configuration, with the name of the nearest layer around it."""
    waiting: list[tuple[Any, str, int]] = [(config, "", 0)]
    seen = 0
    while waiting:
        value, layer, depth = waiting.pop()
        seen += 1
        if depth > MOST_DEPTH or seen > MOST_OBJECTS:
            raise model_refused(
                "TOO_COMPLEX",
                "Its configuration is nested too deep, or has too many parts.",
                "Save a model without so many submodels.",
            )
        if isinstance(value, dict):
            layer = _name(value) or layer
            yield value, layer
            waiting += ((one, layer, depth + 1) for one in value.values())
        elif isinstance(value, list):
            waiting += ((one, layer, depth + 1) for one in value)


def _name(value: dict[str, Any]) -> str:
    inner = value.get("config")
    found = inner.get("name") if isinstance(inner, dict) else None
    return found if isinstance(found, str) else ""


def _check_class(found: dict[str, Any], layer: str) -> None:
    called = str(found.get("class_name", "")).rsplit(">", 1)[-1]
    if called in CODE:
        raise _refused(CODE[called], layer)
    if called == "function" and not _is_keras(str(found.get("module") or "")):
        raise _refused(f"the Python function {str(found.get('config'))[:80]!r}", layer)


def _check_origin(found: dict[str, Any], layer: str) -> None:
    """An object is Keras' own by its module, or has none, as in files of older versions."""
    if "class_name" not in found:
        return
    module, called = found.get("module"), str(found["class_name"])[:80]
    registered = str(found.get("registered_name") or "")
    if module is not None and not _is_keras(str(module)):
        raise _refused(f"{called} from the module {str(module)[:80]!r}, which is not Keras'", layer)
    for name in (registered, called):
        package = name.split(">", 1)[0] if ">" in name else "keras"
        if package.lower() not in KERAS:
            raise _refused(f"the custom object {name[:80]!r}", layer)


def _is_keras(module: str) -> bool:
    for root in KERAS:
        if module == root:
            return True
        if module.startswith(root + "."):
            parts = module.removeprefix(root + ".").split(".")
            return parts[0] in PARTS and (parts[0] != "src" or _inside_src(parts[1:]))
    return False


def _inside_src(parts: list[str]) -> bool:
    return bool(parts) and parts[0] in PARTS


def _refused(what: str, layer: str) -> EngineRefusal:
    where = f" (in “{layer[:80]}”)" if layer else ""
    return model_refused(
        "RUNS_CODE",
        f"The Keras model has {what}{where}: loading it would run its maker's code.",
        CODE_REMEDY,
    )
