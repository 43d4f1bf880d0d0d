"""What STATIC_INT8 and INT16X8 share: calibration rows in, a fully integer file out.

litert-quantizer's own calibration is a moving average of the extremes (0.95 a row), which forgets
all but the last hundred rows; here every row counts, whichever way the range is chosen. Its
calibrator is asked for one row, to learn which tensors it wants a range for.
"""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from domain.optimization_spec import Calibration, OptimizationSpec
from infrastructure.engine.litert import flatbuffer
from infrastructure.engine.litert.passes import recipes
from infrastructure.engine.litert.sessions import LiteRtSession
from infrastructure.engine.pass_contract import Feed, PassSkipped, Progress, Rows
from infrastructure.engine.proof import inputs
from infrastructure.engine.ranges import choosing, trying
from infrastructure.engine.ranges.histogram import Histogram
from infrastructure.engine.ranges.seen import Seen


def apply_calibrated(
    recipe: recipes.Recipe,
    source: Path,
    target: Path,
    spec: OptimizationSpec,
    data: Rows | None,
    report: Progress,
    steps: int = choosing.STEPS,
) -> str:
    """How it was calibrated, in words. Raises PassSkipped without data, and for a model whose
    ranges cannot be seen from outside."""
    if data is None:
        raise PassSkipped(
            "NO_CALIBRATION_DATA",
            "It needs to see real inputs. Give a calibration dataset of 100 or more rows.",
        )
    model = flatbuffer.with_float_weights(recipes.ready(source))
    if len(model.subgraphs) > 1:
        raise PassSkipped(
            "CONTROL_FLOW",
            f"It has {len(model.subgraphs)} graphs that call each other, and what the inner ones "
            "hold cannot be seen. Use DYNAMIC_INT8, which needs no ranges.",
        )
    recipe = recipes.thrifty(recipe, model)
    session = LiteRtSession(source, threads=1)
    found = inputs.inputs_for(session, data, limit=spec.calibration.samples, batch=1)
    quantizing = _Quantizing(recipe, model, session, target, steps)
    quantizing.look(found, report)
    ways = trying.tried(spec.calibration)
    kept, file = trying.nearest(ways, quantizing.made, session, found)
    for other in quantizing.files:
        if other == file:
            other.replace(target)
        else:
            other.unlink()
    return f"{trying.said(spec.calibration, kept)} on {found.rows:,} rows"


class _Quantizing:
    """One model, by one recipe, at whichever ranges."""

    def __init__(
        self, recipe: recipes.Recipe, model: Any, session: LiteRtSession, target: Path, steps: int
    ) -> None:
        self._recipe, self._model, self._session = recipe, model, session
        self._target, self._steps = target, steps
        self._wanted: dict[str, dict[str, Any]] = {}
        self._seen: dict[str, Histogram] = {}
        self.files: list[Path] = []

    def look(self, found: inputs.Inputs, report: Progress) -> None:
        """Runs the model on every row and remembers what each tensor held."""
        self._wanted = recipes.ranges_wanted(self._model, self._recipe, self._stored(found))
        interpreter = Interpreter(
            model_content=flatbuffer.written(self._model),
            num_threads=1,
            experimental_preserve_all_tensors=True,
        )
        interpreter.allocate_tensors()
        places = {one["name"]: one["index"] for one in interpreter.get_tensor_details()}
        given = {one.name: one for one in self._session.get_inputs()}
        seen = Seen(self._wanted)
        for number, feed in enumerate(found.batches()):
            for name, one in given.items():
                interpreter.set_tensor(one.index, one.stored(feed[name]))
            interpreter.invoke()
            for name in self._wanted:
                seen.add(name, interpreter.get_tensor(places[name]))
            done = (number + 1) * found.batch
            told = f"calibrating: {done:,} of {found.rows:,} rows"
            report.tick(10 + 70 * done / found.rows, told)
        self._seen = seen.histograms()

    def made(self, way: Calibration) -> Path:
        file = self._target.with_name(f"{self._target.stem}-{len(self.files)}.tflite")
        self.files.append(file)
        recipes.quantized(self._model, self._recipe, file, self._ranges(way))
        return file

    def _ranges(self, way: Calibration) -> dict[str, dict[str, Any]]:
        ranges = {}
        for name, wanted in self._wanted.items():
            low, high = choosing.chosen(self._seen[name], way, self._steps)
            ends = {"min": low, "max": high}
            filled = {end: np.full_like(wanted[end], value) for end, value in ends.items()}
            ranges[name] = {**wanted, **filled}
        return ranges

    def _stored(self, found: inputs.Inputs) -> Feed:
        feed, given = found.first_row(), self._session.get_inputs()
        return {one.name: one.stored(feed[one.name]) for one in given}
