"""A frozen computation run by TensorFlow, behind the protocol `runtime.Session`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from infrastructure.engine.pass_contract import Feed
from infrastructure.engine.tensorflow.frozen import Frozen

_SPELLED = {"float32": "float", "float64": "double"}


@dataclass(frozen=True, slots=True)
class FrozenTensor:
    """One input or output; a place of its shape is None where it is open."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    @property
    def type(self) -> str:
        return f"tensor({_SPELLED.get(self.dtype, self.dtype)})"


class FrozenSession:
    """Raises TensorFlow's errors for what it cannot run."""

    def __init__(self, frozen: Frozen) -> None:
        self._function = frozen.function
        self._inputs = _tensors(frozen.inputs, frozen.function.inputs)
        self._outputs = _tensors(frozen.outputs, frozen.function.outputs)

    def get_inputs(self) -> Sequence[FrozenTensor]:
        return self._inputs

    def get_outputs(self) -> Sequence[FrozenTensor]:
        return self._outputs

    def run(self, output_names: Sequence[str] | None, input_feed: Feed) -> list[Any]:
        """The outputs in the order of `output_names`, or of the model."""
        fed = [tf.cast(tf.constant(input_feed[one.name]), one.dtype) for one in self._inputs]
        found = tf.nest.flatten(self._function(*fed))
        made = dict(zip((one.name for one in self._outputs), found, strict=True))
        return [made[name].numpy() for name in (output_names or made)]


def _tensors(names: Sequence[str], tensors: Sequence[Any]) -> list[FrozenTensor]:
    return [
        FrozenTensor(name, tuple(one.shape.as_list()), one.dtype.name)
        for name, one in zip(names, tensors, strict=True)
    ]
