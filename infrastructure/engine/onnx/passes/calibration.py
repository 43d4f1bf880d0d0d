"""The ranges of a model's tensors, found by running it over calibration rows in bounded memory.

ONNX Runtime's calibrators keep every output of one `collect_data` call in memory, and its
CalibMaxIntermediateOutputs drops what it should merge (1.31: only the rows after the last full
chunk count). So each feed is one call of its own: the calibrator merges the extremes or histograms
of call after call, and never holds more than one feed.
"""

from collections.abc import Iterator
from pathlib import Path

from onnxruntime.quantization import CalibrationMethod as OrtMethod
from onnxruntime.quantization.calibrate import (
    TensorsData,
    create_calibrator,
)

from domain.optimization_spec import Calibration, CalibrationMethod
from infrastructure.engine.pass_contract import Feed, Progress
from infrastructure.engine.proof import inputs

ORT_METHODS = {
    CalibrationMethod.MINMAX: OrtMethod.MinMax,
    CalibrationMethod.ENTROPY: OrtMethod.Entropy,
    CalibrationMethod.PERCENTILE: OrtMethod.Percentile,
}


class _One:
    """A reader of a single feed, as the calibrator wants it."""

    def __init__(self, feed: Feed) -> None:
        self._left: list[Feed] = [feed]

    def get_next(self) -> Feed | None:
        return self._left.pop() if self._left else None


def ranges(
    model: Path,
    operators: list[str],
    how: Calibration,
    found: inputs.Inputs,
    folder: Path,
    report: Progress,
) -> TensorsData:
    """Ranges by tensor. `folder` is for the augmented model. Raises ValueError without rows."""
    calibrator = create_calibrator(
        model,
        operators,
        augmented_model_path=str(folder / "augmented.onnx"),
        calibrate_method=ORT_METHODS[how.method],
        extra_options={"percentile": how.percentile, "symmetric": False},
    )
    for number, feed in enumerate(_feeds(found)):
        calibrator.collect_data(_One(feed))
        seen = (number + 1) * found.batch
        report.tick(10 + 70 * seen / found.rows, f"calibrating: {seen:,} of {found.rows:,} rows")
    return calibrator.compute_data()


def _feeds(found: inputs.Inputs) -> Iterator[Feed]:
    yield from found.batches()
