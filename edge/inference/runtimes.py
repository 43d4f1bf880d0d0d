"""One interface over ONNX Runtime and LiteRT, chosen by the file's format. Imported when first
used: an agent without a model pays for neither.
"""

import threading
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    Arrays = Mapping[str, np.ndarray[Any, Any]]

EXTRAS = {"ONNX": ("onnxruntime", "onnx"), "TFLITE": ("ai_edge_litert", "litert")}


class ModelRefused(RuntimeError):
    """The model cannot be run here; the message says why, and the remedy where there is one."""


class BadInput(ValueError):
    """The inputs do not fit the model."""


class Runtime(Protocol):
    """A loaded model. `run` may be called by several threads."""

    @property
    def inputs(self) -> Mapping[str, str]:
        """Names with types and shapes, for people."""

    def run(self, inputs: "Arrays") -> dict[str, Any]:
        """Outputs by name. Raises BadInput."""

    def stored(self, inputs: "Arrays") -> "Arrays":
        """Real numbers as the model takes them: quantized, where its inputs are."""

    def real(self, outputs: "Arrays") -> "Arrays":
        """What it answered, as real numbers."""


def load(path: Path, format: str, threads: int) -> Runtime:
    """`threads`: 0 lets the runtime choose. Raises ModelRefused."""
    if format not in EXTRAS:
        raise ModelRefused(
            f"the format {format[:20]!r} cannot be run here; {' and '.join(EXTRAS)} can"
        )
    package, extra = EXTRAS[format]
    if find_spec(package) is None:
        raise ModelRefused(
            f"{format} models need {package}: install edgewise-edge[{extra}] on the device"
        )
    try:
        return Onnx(path, threads) if format == "ONNX" else LiteRt(path, threads)
    except Exception as error:  # a runtime raises what it likes on a bad file
        told = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelRefused(f"the model does not load: {told[:500]}") from None


class Onnx:
    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._outputs = [one.name for one in self._session.get_outputs()]
        self.inputs = {one.name: f"{one.type} {one.shape}" for one in self._session.get_inputs()}

    def run(self, inputs: "Arrays") -> dict[str, Any]:
        try:
            found = self._session.run(None, inputs)
        except Exception as error:  # onnxruntime has its own, and no common ancestor for them
            raise BadInput(_told(error, self.inputs)) from None
        return dict(zip(self._outputs, found, strict=True))

    def stored(self, inputs: "Arrays") -> "Arrays":
        return inputs  # quantization is within the graph

    def real(self, outputs: "Arrays") -> "Arrays":
        return outputs


class LiteRt:
    """An interpreter holds its tensors: one call at a time. One that inputs have broken is made
    anew, since what they left in it would break the next call too."""

    def __init__(self, path: Path, threads: int) -> None:
        self._path, self._threads = path, threads
        self._lock = threading.Lock()
        self._open()
        self.inputs = {
            name: f"{one['dtype'].__name__} {[int(side) for side in one['shape']]}"
            for name, one in self._given.items()
        }

    def _open(self) -> None:
        from ai_edge_litert.interpreter import Interpreter

        threads = self._threads or None
        self._interpreter = Interpreter(model_path=str(self._path), num_threads=threads)
        self._interpreter.allocate_tensors()
        self._given = {one["name"]: one for one in self._interpreter.get_input_details()}
        self._found = {one["name"]: one for one in self._interpreter.get_output_details()}

    def run(self, inputs: "Arrays") -> dict[str, Any]:
        if set(inputs) != set(self._given):
            raise BadInput(f"the model takes {', '.join(self._given)}")
        with self._lock:
            try:
                return self._run(inputs)
            except (ValueError, RuntimeError) as error:
                self._open()
                raise BadInput(_told(error, self.inputs)) from None

    def stored(self, inputs: "Arrays") -> "Arrays":
        from edge.update.golden import stored

        known = {name: one for name, one in self._given.items() if name in inputs}
        return dict(inputs) | {
            name: stored(inputs[name], one["dtype"], *_quantization(one))
            for name, one in known.items()
            if one["dtype"] != inputs[name].dtype
        }

    def real(self, outputs: "Arrays") -> "Arrays":
        from edge.update.golden import real

        return {
            name: real(value, *_quantization(self._found[name])) for name, value in outputs.items()
        }

    def _run(self, inputs: "Arrays") -> dict[str, Any]:
        for name, array in inputs.items():
            if list(array.shape) != list(self._given[name]["shape"]):
                self._interpreter.resize_tensor_input(self._given[name]["index"], array.shape)
                self._interpreter.allocate_tensors()
                details = self._interpreter.get_input_details()
                self._given = {one["name"]: one for one in details}
            self._interpreter.set_tensor(self._given[name]["index"], array)
        self._interpreter.invoke()
        return {
            name: self._interpreter.get_tensor(one["index"]) for name, one in self._found.items()
        }


def _quantization(tensor: Mapping[str, Any]) -> tuple[float, int]:
    """Scale, 0 where there is none, and zero point."""
    scale, zero = tensor["quantization"]
    return float(scale), int(zero)


def _told(error: Exception, inputs: Mapping[str, str]) -> str:
    takes = ", ".join(f"{name}: {kind}" for name, kind in inputs.items())
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"{first[:300]} (the model takes {takes[:300]})"
