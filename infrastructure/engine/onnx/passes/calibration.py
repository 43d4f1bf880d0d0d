"""The ranges of a model's tensors, found by running it over calibration rows in bounded memory.

For MINMAX alone the extremes are taken within ONNX Runtime, by its own calibrator. Its histograms
are not used: they keep every output of a `collect_data` call, and their number of bins has no bound
(it grows with the largest row over the first). Tensors go into histograms of fixed size instead,
feed by feed, from which any way of choosing a range can be served.

ONNX Runtime's CalibMaxIntermediateOutputs drops what it should merge (1.31: only the rows after the
last full chunk count), so each feed is one call of its own.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationMethod as OrtMethod
from onnxruntime.quantization.calibrate import (
    TensorsData,
    create_calibrator,
)

from domain.optimization_spec import Calibration, CalibrationMethod
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.pass_contract import Feed, Progress
from infrastructure.engine.proof import inputs
from infrastructure.engine.ranges import choosing
from infrastructure.engine.ranges.seen import Seen


class _One:
    """A reader of a single feed, as the calibrator wants it."""

    def __init__(self, feed: Feed) -> None:
        self._left: list[Feed] = [feed]

    def get_next(self) -> Feed | None:
        return self._left.pop() if self._left else None


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
        in_runtime = how.method is CalibrationMethod.MINMAX
        calibrator = create_calibrator(
            model,
            operators,
            augmented_model_path=str(folder / "augmented.onnx"),
            calibrate_method=OrtMethod.MinMax if in_runtime else OrtMethod.Percentile,
            extra_options={"symmetric": False},
        )
        if in_runtime:
            for feed in self._feeds():
                calibrator.collect_data(_One(feed))
            self._extremes = calibrator.compute_data()
        else:
            self._look(folder / "augmented.onnx", sorted(calibrator.tensors_to_calibrate))

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
