"""What the TFLite passes share: a model made ready, quantized by a recipe, and proof that the
quantizer did something.

litert-quantizer passes over what it does not know, weights in FP16 among it, and says nothing: a
file with the same operators and types of constants as before is a pass that did nothing.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from litert_quantizer.quantizer import Quantizer

from infrastructure.engine.litert import flatbuffer
from infrastructure.engine.pass_contract import Feed, PassSkipped

Recipe = Sequence[dict[str, Any]]


class Rereadable:
    """Feeds that can be gone through more than once, as the calibrator does to count them."""

    def __init__(self, feeds: Any) -> None:
        self._feeds = feeds

    def __iter__(self) -> Iterator[Feed]:
        return iter(self._feeds())


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
    return flatbuffer.with_signature(model)


def quantized(model: Any, recipe: Recipe, target: Path, feeds: Rereadable | None = None) -> None:
    """Writes the quantized model. Raises PassSkipped where nothing was quantized."""
    quantizer = Quantizer(flatbuffer.written(model), list(recipe))
    before = flatbuffer.constants(model)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        seen = None
        if feeds is not None:
            names = flatbuffer.signature_inputs(model)
            named = Rereadable(lambda: ({names[k]: v for k, v in one.items()} for one in feeds))
            seen = quantizer.calibrate({flatbuffer.signature_key(model): named}, num_threads=1)
        made = quantizer.quantize(seen, enable_progress_report=False).quantized_model
    target.write_bytes(made)
    if flatbuffer.constants(flatbuffer.read(target)).keys() == before.keys():
        target.unlink()
        raise PassSkipped(
            "NOTHING_QUANTIZED",
            "litert-quantizer found nothing that it can do: is the model quantized already? Start "
            "from the float model.",
        )
