"""A computation of TensorFlow with its weights as constants inside it and no functions to call:
what Keras models and SavedModels become before they are run or converted.

One such form for all has a reason for each: the converter to TFLite loses the weights of a Keras 3
model that is handed over as a function; TensorFlow 2's own loader stops at SavedModels that hold
the state of an optimizer, where the older one reads graph and weights alone; tf2onnx knows no
calls of functions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_from_session_graph,
    convert_variables_to_constants_v2,
)

from infrastructure.engine.refusals import model_refused

SERVING = "serving_default"
HIDDEN = "__saved_model"
INPUT, OUTPUT = "input", "output"


@dataclass(frozen=True, slots=True)
class Frozen:
    """`function` takes and gives tensors in the order of `inputs` and `outputs`, which are the
    names that the source has for them."""

    function: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def use_threads(count: int) -> None:
    """For all computations of this process; before the first one."""
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def frozen_keras(model: Any, rows: int | None = None) -> Frozen:
    """`rows` is the first dimension of every input, None leaves it as it is in the model."""
    inputs = tuple(one.name for one in model.inputs)
    specs = [
        tf.TensorSpec(_shape(one.shape, rows), one.dtype, name=f"{INPUT}_{place}")
        for place, one in enumerate(model.inputs)
    ]

    def call(*values: Any) -> list[Any]:
        given = values[0] if len(values) == 1 else list(values)
        if isinstance(getattr(model, "_inputs_struct", None), dict):
            given = dict(zip(model._inputs_struct, values, strict=True))
        return list(tf.nest.flatten(model(given, training=False)))

    traced = tf.function(call, input_signature=specs, autograph=False)
    return Frozen(_constants(traced.get_concrete_function()), inputs, _unique(model.output_names))


def frozen_saved_model(folder: Path, rows: int | None = None) -> Frozen:
    """The signature `serving_default`, else the first by name. Raises EngineRefusal where there is
    none, TensorFlow's errors."""
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        signature = _chosen(meta.signature_def)
        inputs = dict(sorted(signature.inputs.items()))
        outputs = {name: one.name for name, one in sorted(signature.outputs.items())}
        nodes = [name.split(":")[0] for name in outputs.values()]
        constants = convert_variables_to_constants_from_session_graph(
            session, graph.as_graph_def(), list(dict.fromkeys(nodes))
        )
    for function in constants.library.function:
        function.attr.pop("_input_shapes", None)  # they name a shape for each weight as well

    def places() -> list[Any]:
        return [
            tf.compat.v1.placeholder(one.dtype, _shape(_sizes(one), rows), f"{INPUT}_{place}")
            for place, one in enumerate(inputs.values())
        ]

    names = [one.name for one in inputs.values()]
    function = _imported(constants, names, list(outputs.values()), places)
    return Frozen(_constants(function), tuple(inputs), tuple(outputs))


def _imported(
    graph: Any, inputs: Sequence[str], outputs: Sequence[str], places: Callable[[], list[Any]]
) -> Any:
    """A function of a graph, whose inputs are replaced by new places for them."""
    ends: dict[str, list[Any]] = {}

    def build() -> None:
        ends[INPUT] = places()
        fed: Mapping[str, Any] = dict(zip(inputs, ends[INPUT], strict=True))
        found = tf.graph_util.import_graph_def(
            graph, input_map=fed, return_elements=list(outputs), name="model"
        )
        ends[OUTPUT] = [tf.identity(one) for one in found]

    return tf.compat.v1.wrap_function(build, []).prune(ends[INPUT], ends[OUTPUT])


def _constants(function: Any) -> Any:
    return convert_variables_to_constants_v2(function, aggressive_inlining=True)


def _chosen(signatures: Any) -> Any:
    found = {name: one for name, one in signatures.items() if not name.startswith(HIDDEN)}
    if not found:
        raise model_refused(
            "NO_OUTPUTS",
            "The SavedModel has no signature, so nobody can call it.",
            "Export the model again: model.export(“folder”), and zip the folder.",
        )
    return found[SERVING if SERVING in found else min(found)]


def _sizes(info: Any) -> Sequence[int | None] | None:
    if info.tensor_shape.unknown_rank:
        return None
    return [one.size if one.size >= 0 else None for one in info.tensor_shape.dim]


def _shape(sizes: Sequence[int | None] | None, rows: int | None) -> list[int | None] | None:
    """`rows` in the place of an open first dimension."""
    if sizes is None or not sizes:
        return None if sizes is None else []
    return [rows if sizes[0] is None else sizes[0], *sizes[1:]]


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Keras calls several outputs of one layer by the same name."""
    return tuple(
        name if names.count(name) == 1 else f"{name}_{place}" for place, name in enumerate(names)
    )
