"""What the TFLite passes share: a model made ready, quantized by a recipe, and proof that the
quantizer did something.

litert-quantizer passes over what it does not know, weights in FP16 among it, and says nothing: a
file with the same operators and types of constants as before is a pass that did nothing.
"""

import io
import re
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from pathlib import Path
from typing import Any

from litert_quantizer.quantizer import Quantizer

from infrastructure.engine.litert import flatbuffer
from infrastructure.engine.pass_contract import Feed, PassSkipped

Recipe = Sequence[dict[str, Any]]
BYTES_OF_A_SCALE = 24
"""Of one output: a scale and a 64-bit zero point, for the weights and again for the bias."""
SHARE_OF_SCALES = 1 / 32


def ready(source: Path) -> Any:
    """The source with a signature. Raises PassSkipped for what no pass can do."""
    model = flatbuffer.read(source)
    if flatbuffer.has_half_weights(model):
        raise PassSkipped(
            "FP16_WEIGHTS",
            "Its weights are FP16 already, which the quantizer passes over. Start from the float "
            "model that it was made from.",
        )
    if not any(flatbuffer.operators(model).get(name) for name in flatbuffer.WEIGHTED):
        raise PassSkipped(
            "NO_WEIGHTED_OPERATORS", "There is no convolution or matrix product to quantize."
        )
    return flatbuffer.with_signature(flatbuffer.with_operator_codes(model))


def thrifty(recipe: Recipe, model: Any) -> Recipe:
    """The recipe, with one scale in all for the weights of a fully connected layer where a scale
    for each output would weigh more than SHARE_OF_SCALES of them. Convolutions keep theirs: their
    channels differ more."""
    found = list(recipe)
    (graph,) = model.subgraphs
    for node in graph.operators or ():
        if flatbuffer.operator_name(model, node) != "FULLY_CONNECTED":
            continue
        inputs = int(graph.tensors[node.inputs[1]].shape[-1])
        if SHARE_OF_SCALES * inputs < BYTES_OF_A_SCALE:
            one = deepcopy(dict(recipe[0]))
            one["regex"] = re.escape(graph.tensors[node.outputs[0]].name.decode())
            one["operation"] = "FULLY_CONNECTED"
            one["op_config"]["weight_tensor_config"]["granularity"] = "TENSORWISE"
            found.append(one)
    return found


def ranges_wanted(model: Any, recipe: Recipe, feed: Feed) -> dict[str, dict[str, Any]]:
    """The tensors that the recipe wants a range for, with what this one feed shows of them."""
    quantizer = Quantizer(flatbuffer.written(model), list(recipe))
    names = flatbuffer.signature_inputs(model)
    feeds = [{names[name]: value for name, value in feed.items()}]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        seen = quantizer.calibrate({flatbuffer.signature_key(model): feeds}, num_threads=1)
    return {name: found for name, found in seen.items() if found}


def quantized(
    model: Any, recipe: Recipe, target: Path, ranges: dict[str, dict[str, Any]] | None = None
) -> None:
    """Writes the quantized model. Raises PassSkipped where nothing was quantized."""
    before = flatbuffer.constants(model)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        quantizer = Quantizer(flatbuffer.written(model), list(recipe))
        made = quantizer.quantize(ranges, enable_progress_report=False).quantized_model
    target.write_bytes(made)
    if flatbuffer.constants(flatbuffer.read(target)).keys() == before.keys():
        target.unlink()
        raise PassSkipped(
            "NOTHING_QUANTIZED",
            "litert-quantizer found nothing that it can do: is the model quantized already? Start "
            "from the float model.",
        )
