"""`ocr_calibration_*`: what PP-OCRv4 still reads in static INT8, by the way of calibrating.

The share of codes read to the letter, drawn with a narrow margin and with a wide one, calibrated on
48 others drawn alike. The network is unsure whether a margin is a space: the float model reads one
before many a code with a wide margin, and the coarse steps of MINMAX make it read one more often.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks import ocr_lines
from benchmarks.figure import Figure, Target
from benchmarks.silent import Silent
from domain.optimization_spec import Calibration, CalibrationMethod, OptimizationSpec, Pass
from domain.scorer import Scorer, ScorerName
from infrastructure.engine.onnx.passes import static_int8
from infrastructure.engine.proof.rows import NpzRows
from infrastructure.engine.proof.side_by_side import compared

CALIBRATED, JUDGED = 48, 100
MARGINS = {"narrow": 8, "wide": 16}
KEPT = 0.9
WAYS = {
    "minmax": Calibration(CalibrationMethod.MINMAX, CALIBRATED),
    "percentile": Calibration(CalibrationMethod.PERCENTILE, CALIBRATED),
    "percentile_99_9": Calibration(CalibrationMethod.PERCENTILE, CALIBRATED, 99.9),
    "entropy": Calibration(CalibrationMethod.ENTROPY, CALIBRATED),
    "best": Calibration(CalibrationMethod.BEST, CALIBRATED),
}
GATED = ("percentile", "best")


def measure() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = ocr_lines.V4(folder)
        for drawn, margin in MARGINS.items():
            seen = ocr_lines.save(
                folder / "seen.npz", source, ocr_lines.codes(CALIBRATED, seed=9), margin
            )
            later = ocr_lines.save(folder / "later.npz", source, ocr_lines.codes(JUDGED), margin)
            for way, how in WAYS.items():
                yield _figure(f"{drawn}_{way}", source, how, NpzRows(seen), later)


def _figure(name: str, source: Path, how: Calibration, seen: NpzRows, later: Path) -> Figure:
    made = source.with_name("made.onnx")
    spec = OptimizationSpec(passes=(Pass.STATIC_INT8,), calibration=how)
    said = static_int8.apply(source, made, spec, seen, Silent())
    scorer = Scorer(ScorerName.TEXT, {"measure": "EXACT_MATCH"})
    judged = compared(source, made, NpzRows(later, labelled=True), 1, Silent(), scorer).accuracy
    if judged is None:
        raise RuntimeError("the codes were not judged")
    target = Target(KEPT, 1.0) if name.endswith(GATED) else None
    before, after = judged.source, judged.variant
    return Figure(
        f"ocr_calibration_{name}", 100 * after, "%", 100 * before, after / before,
        "the float model", target, f"{judged.rows} codes read to the letter; CER "
        f"{judged.also['CER'][1]:.3f} against {judged.also['CER'][0]:.3f}; {said}",
    )  # fmt: skip
