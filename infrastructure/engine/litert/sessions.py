"""A TFLite file in LiteRT, behind the protocol `runtime.Session`.

Inputs and outputs that are quantized integers are shown as floats: what goes in is quantized and
what comes out dequantized here (real = scale · (stored − zero point), TFLite's own scheme), so a
fully integer variant is compared with its float source on the same numbers. An open first
dimension is run as one row at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from infrastructure.engine.pass_contract import Feed

_SPELLED = {"float32": "float", "float64": "double"}


@dataclass(frozen=True, slots=True)
class TfliteTensor:
    """One input or output; `scale` is 0 where it is not quantized."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    index: int
    scale: float
    zero: int

    @property
    def type(self) -> str:
        kind = "float32" if self.scale else self.dtype.name
        return f"tensor({_SPELLED.get(kind, kind)})"

    def stored(self, value: NDArray[Any]) -> NDArray[Any]:
        """What is put into the tensor for this value."""
        if not self.scale:
            return np.ascontiguousarray(value, dtype=self.dtype)
        limits = np.iinfo(self.dtype.name)
        steps = np.round(np.asarray(value, np.float64) / self.scale) + self.zero
        return np.clip(steps, limits.min, limits.max).astype(self.dtype)

    def real(self, stored: NDArray[Any]) -> NDArray[Any]:
        """What the tensor's content means."""
        if not self.scale:
            return stored
        return (np.float32(self.scale) * (stored.astype(np.float32) - self.zero)).astype(np.float32)


class LiteRtSession:
    """Raises ValueError and RuntimeError, as LiteRT does, for a file that it cannot run."""

    def __init__(self, file: Path, threads: int) -> None:
        self._interpreter = Interpreter(model_path=str(file), num_threads=threads)
        self._interpreter.allocate_tensors()
        self._inputs = [_tensor(one) for one in self._interpreter.get_input_details()]
        self._outputs = [_tensor(one) for one in self._interpreter.get_output_details()]

    def get_inputs(self) -> Sequence[TfliteTensor]:
        return self._inputs

    def get_outputs(self) -> Sequence[TfliteTensor]:
        return self._outputs

    def run(self, output_names: Sequence[str] | None, input_feed: Feed) -> list[Any]:
        """The outputs in the order of `output_names`, or of the model."""
        for one in self._inputs:
            self._interpreter.set_tensor(one.index, one.stored(input_feed[one.name]))
        self._interpreter.invoke()
        outputs = {one.name: one for one in self._outputs}
        wanted = self._outputs if output_names is None else [outputs[one] for one in output_names]
        return [one.real(self._interpreter.get_tensor(one.index)) for one in wanted]


def _tensor(details: dict[str, Any]) -> TfliteTensor:
    scale, zero = details["quantization"]
    return TfliteTensor(
        name=details["name"],
        shape=tuple(int(one) for one in details["shape"]),
        dtype=np.dtype(details["dtype"]),
        index=details["index"],
        scale=float(scale),
        zero=int(zero),
    )


def opened(file: Path, threads: int, _spin: bool) -> LiteRtSession:
    """As `runtime.open_model` asks for it."""
    return LiteRtSession(file, threads)
