"""The case that shows why text is judged by text: PP-OCRv6 under dynamic INT8 of everything."""

import subprocess
from pathlib import Path

import onnxruntime
import pytest
from onnxruntime.quantization import quantize_dynamic

from benchmarks import ocr_lines
from domain.measure import Measure
from domain.optimization_spec import Pass
from domain.scorer import Scorer, ScorerName
from domain.variant_facts import VariantFacts
from domain.verdict import GateName, Limits, decide
from infrastructure.engine.proof.rows import NpzRows
from infrastructure.engine.proof.side_by_side import compared
from tests.engine.watching import Remembering
from tests.services.programs import unavailable

ROWS = 16


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ocr")
    try:
        return ocr_lines.model(folder)
    except subprocess.CalledProcessError as error:
        unavailable(f"{ocr_lines.PACKAGE} cannot be had: {error.stderr.decode()[-300:]}")


@pytest.mark.timeout(600)
def test_a_recognizer_that_dynamic_int8_spoils_fails_its_gate_by_exact_match(
    recognizer: Path, tmp_path: Path
) -> None:
    """Parity hardly shows it: what is read does."""
    data = ocr_lines.save(tmp_path / "lines.npz", recognizer, ROWS)
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


def test_the_lines_are_the_same_every_time_and_their_labels_say_what_was_drawn(
    recognizer: Path, tmp_path: Path
) -> None:
    files = [ocr_lines.save(tmp_path / f"{name}.npz", recognizer, 3) for name in "ab"]
    first, second = (dict(NpzRows(file, labelled=True).iterate(3).__next__()) for file in files)
    assert {name: one.tobytes() for name, one in first.items()} == {
        name: one.tobytes() for name, one in second.items()
    }
    known = ocr_lines.vocabulary(recognizer)
    told = ["".join(known[one] for one in row if one >= 0) for row in first["labels"]]
    assert told == ocr_lines.lines(3)
    session = onnxruntime.InferenceSession(recognizer)
    assert session.get_inputs()[0].name in first
