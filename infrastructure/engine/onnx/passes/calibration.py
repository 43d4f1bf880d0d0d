"""The ranges of a model's tensors, found by running it over calibration rows in bounded memory.

ONNX Runtime's calibrators say which tensors count and write the model that gives them; the runs are
ours, feed by feed and on one thread. For MINMAX alone the extremes are taken within the model. Its
histograms are not used: they keep every output of a `collect_data` call, and their number of bins
has no bound (it grows with the largest row over the first). Tensors go into histograms of fixed
size instead, from which any way of choosing a range can be served.

Nor are its runs: they keep the outputs of every row, CalibMaxIntermediateOutputs drops what it
should merge (1.31: only the rows after the last full chunk count), and their sessions rewrite
nothing of the graph, use every core and spin on it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationMethod as OrtMethod
from onnxruntime.quantization.calibrate import (
    MinMaxCalibrater,
    PercentileCalibrater,
    TensorsData,
)

from domain.optimization_spec import Calibration, CalibrationMethod
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.pass_contract import Feed, Progress
from infrastructure.engine.proof import inputs
from infrastructure.engine.ranges import choosing
from infrastructure.engine.ranges.seen import Seen

LEAST, MOST = "_ReduceMin", "_ReduceMax"
"""What MinMaxCalibrater adds to a tensor's name for the outputs that hold its extremes."""


class Ranges:
    """Of the tensors at the inputs and outputs of `operators`, as these rows show them.

    `folder` is for the augmented model. Raises ValueError without rows."""

    def __init__(
        self,
        model: Path,
        operators: list[str],
        how: Calibration,
        found: inputs.Inputs,
        folder: Path,
        report: Progress,
    ) -> None:
        self._report, self._found = report, found
        self._extremes: TensorsData | None = None
        augmented = folder / "augmented.onnx"
        if how.method is CalibrationMethod.MINMAX:
            MinMaxCalibrater(model, operators, augmented).augment_graph()
            self._extremes = self._outermost(augmented)
        else:
            calibrator = PercentileCalibrater(model, operators, augmented)
            calibrator.augment_graph()
            self._look(augmented, sorted(calibrator.tensors_to_calibrate))

    def by(self, way: Calibration) -> TensorsData:
        """As ONNX Runtime's quantizer takes them. A calibration that was begun for MINMAX knows
        no other way."""
        if self._extremes is not None:
            return self._extremes
        ranges = {}
        for name, histogram in self._seen.histograms().items():
            low, high = choosing.chosen(histogram, way)
            kind = self._kinds[name]
            ranges[name] = (np.array(low, kind), np.array(high, kind))
        return TensorsData(OrtMethod.MinMax, ranges)

    def _outermost(self, augmented: Path) -> TensorsData:
        """NaN is left out, as ONNX Runtime's own calibrator does."""
        session = open_session(augmented, threads=1)
        ends = {one.name for one in session.get_outputs()}
        names = sorted(one.removesuffix(LEAST) for one in ends if one.endswith(LEAST))
        wanted = [f"{name}{LEAST}" for name in names] + [f"{name}{MOST}" for name in names]
        found: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
        for feed in self._feeds():
            told = session.run(wanted, feed)
            for name, low, high in zip(names, told, told[len(names) :], strict=False):
                below, above = found.get(name, (low[0], high[0]))
                found[name] = (np.fmin(below, low[0]), np.fmax(above, high[0]))
        ranges = {name: tuple(map(np.asarray, pair)) for name, pair in found.items()}
        return TensorsData(OrtMethod.MinMax, ranges)

    def _look(self, augmented: Path, names: list[str]) -> None:
        session = open_session(augmented, threads=1)
        given = {one.name for one in session.get_inputs()}
        computed = [name for name in names if name not in given]
        self._seen = Seen(names)
        self._kinds: dict[str, np.dtype[Any]] = {}
        for feed in self._feeds():
            outputs: list[NDArray[Any]] = session.run(computed, feed) if computed else []
            values = dict(zip(computed, outputs, strict=True))
            for name in names:
                value = values[name] if name in values else feed[name]
                self._kinds[name] = value.dtype
                self._seen.add(name, value)

    def _feeds(self) -> Iterator[Feed]:
        for number, feed in enumerate(self._found.batches()):
            yield feed
            seen, rows = (number + 1) * self._found.batch, self._found.rows
            told = f"calibrating: {min(seen, rows):,} of {rows:,} rows"
            self._report.tick(10 + 70 * min(1.0, seen / rows), told)
