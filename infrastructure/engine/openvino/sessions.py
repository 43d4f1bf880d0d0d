"""An OpenVINO model in its CPU plugin, behind the protocol `runtime.Session`.

Arithmetic is held to FP32, or integers where the model is quantized: left to itself the plugin
computes FP32 models in BF16 or FP16 on CPUs that have it (AMX), and a conversion would be judged by
a precision that nobody asked for. Threads are not pinned to cores: on a machine that does other
work too, a pinned thread waits for its core while another one is free (a small network took 12 ms a
run in place of 0.24).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from infrastructure.engine.openvino.files import read
from infrastructure.engine.pass_contract import Feed

_SPELLED = {
    "f32": "float", "f64": "double", "f16": "float16", "bf16": "bfloat16", "boolean": "bool",
    "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64",
    "u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OpenVinoTensor:
    """`names` are all that it is called; `name` is the one that OpenVINO shows."""

    name: str
    names: frozenset[str]
    shape: tuple[int | None, ...]
    kind: str
    dtype: np.dtype[Any] | None

    @property
    def type(self) -> str:
        return f"tensor({_SPELLED.get(self.kind, self.kind)})"


class OpenVinoSession:
    """Raises EngineRefusal and OpenVINO's RuntimeError for a file that cannot be run."""

    def __init__(self, file: Path, threads: int) -> None:
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False,
        }
        self._compiled = ov.Core().compile_model(read(file), "CPU", settings)
        self._request = self._compiled.create_infer_request()
        self._inputs = [_tensor(one) for one in self._compiled.inputs]
        self._outputs = [_tensor(one) for one in self._compiled.outputs]

    def get_inputs(self) -> Sequence[OpenVinoTensor]:
        return self._inputs

    def get_outputs(self) -> Sequence[OpenVinoTensor]:
        return self._outputs

    def run(self, output_names: Sequence[str] | None, input_feed: Feed) -> list[Any]:
        """The outputs in the order of `output_names`, or of the model. Raises KeyError for a name
        that the model does not have."""
        fed = {
            place: np.ascontiguousarray(input_feed[_given(one, input_feed)], dtype=one.dtype)
            for place, one in enumerate(self._inputs)
        }
        self._request.infer(fed, share_inputs=True)
        wanted = range(len(self._outputs)) if output_names is None else map(self._at, output_names)
        return [np.array(self._request.get_output_tensor(place).data) for place in wanted]

    def _at(self, name: str) -> int:
        for place, one in enumerate(self._outputs):
            if name == one.name or name in one.names:
                return place
        raise KeyError(name)


def opened(file: Path, threads: int, _spin: bool) -> OpenVinoSession:
    """As `runtime.open_model` asks for it."""
    return OpenVinoSession(file, threads)


def _given(one: OpenVinoTensor, feed: Feed) -> str:
    return next((name for name in feed if name in one.names), one.name)


def _tensor(port: Any) -> OpenVinoTensor:
    names = frozenset(port.get_names())
    kind = port.element_type
    shape = [None if place.is_dynamic else place.get_length() for place in port.partial_shape]
    return OpenVinoTensor(
        name=min(names) if names else _layer_name(port),
        names=names,
        shape=tuple(shape),
        kind=kind.get_type_name(),
        dtype=None if kind == ov.Type.string else kind.to_dtype(),
    )


def _layer_name(port: Any) -> str:
    """Of what is taken, or of what an output reads."""
    node = port.node
    if node.get_type_name() != "Result":
        return str(node.get_friendly_name())
    maker = node.input_value(0)
    name = str(maker.node.get_friendly_name())
    return f"{name}.{maker.index}" if maker.node.get_output_size() > 1 else name
