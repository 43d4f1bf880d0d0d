"""What an optimization found is read from the job's result, and shown with its reasons."""

from typing import Any

import pytest

from interfaces.cli.variants import findings, print_findings


def compared(**more: Any) -> dict[str, Any]:
    return {
        "inputs": "DATASET",
        "rows": 359,
        "outputs": [
            {"name": "logits", "cosine": 0.9999, "argmax_agreement": 0.98},
            {"name": "other", "cosine": 0.9, "argmax_agreement": None},
        ],
        "accuracy": {"source": 0.99, "variant": 0.97, "rows": 359, "output": "logits"},
        "timing": {"source_ms": 1.0, "variant_ms": 0.5, "ratio": 0.5, "pairs": 9},
        **more,
    }


def variant(name: str, *, passed: bool, reason: str = "", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "outcome": "MADE",
        "reason": "",
        "file": {"name": f"{name}.onnx", "bytes": 500, "sha256": "0"},
        "comparison": compared(**more),
        "verdict": {
            "passed": passed,
            "measure": "ACCURACY",
            "drop": 0.02,
            "max_drop": 0.01,
            "gates": [{"name": "FIDELITY", "passed": passed, "reason": reason}],
            "notes": [{"code": "FEW_ROWS", "message": "Few [red]rows[/red]."}],
        },
    }


@pytest.fixture
def job() -> dict[str, Any]:
    skipped = {
        "name": "graph", "outcome": "SKIPPED", "reason": "Nothing to do.", "file": None,
        "comparison": None, "verdict": None,
    }  # fmt: skip
    return {
        "input": {"artifact": {"id": "source-id"}},
        "result": {
            "artifacts": [{"id": "int8-id", "variant": "int8"}, {"id": "bad-id", "variant": "bad"}],
            "outcome": {
                "source": {"bytes": 1000},
                "variants": [
                    skipped,
                    variant("int8", passed=True),
                    variant("bad", passed=False, reason="Lost too much.", accuracy=None),
                ],
                "choice": {"name": "int8", "why": "It is the smallest."},
                "evidence": "MEASURED",
                "machine": {"cpu": "A CPU", "cores": 2},
            },
        },
    }


def test_the_source_comes_first_with_its_own_figures(job: dict[str, Any]) -> None:
    source = findings(job).variants[0]
    assert (source.name, source.artifact_id, source.bytes) == ("source", "source-id", 1000)
    assert (source.accuracy, source.median_ms) == (0.99, 1.0)


def test_a_variant_has_its_artifact_accuracy_and_fidelity(job: dict[str, Any]) -> None:
    found = findings(job)
    assert found.chosen.name == "int8"
    assert found.chosen.artifact_id == "int8-id"
    assert (found.chosen.accuracy, found.chosen.fidelity) == (0.97, 0.98)


def test_what_failed_or_was_not_made_says_why(
    job: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    print_findings(findings(job))
    told = capsys.readouterr().out
    assert "graph: Nothing to do." in told
    assert "bad: Lost too much." in told
    assert "skipped" in told
    assert "Choice: int8 – It is the smallest." in told


def test_evidence_and_machine_are_named(
    job: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    print_findings(findings(job))
    assert "Measured on A CPU, 2 cores; compared on a dataset." in capsys.readouterr().out


def test_words_of_the_server_are_text(
    job: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    print_findings(findings(job))
    assert "Few [red]rows[/red]." in capsys.readouterr().out


def test_nothing_made_keeps_the_source(job: dict[str, Any]) -> None:
    outcome = job["result"]["outcome"]
    outcome["variants"] = outcome["variants"][:1]
    outcome["choice"] = {"name": "source", "why": "Nothing else."}
    found = findings(job)
    assert found.chosen.artifact_id == "source-id"
    assert found.variants[0].median_ms is None


def test_another_scorer_s_figure_is_named_and_written_as_its_measure_is(
    job: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    for one in job["result"]["outcome"]["variants"][1:2]:
        one["comparison"]["accuracy"] = {"source": 3.25, "variant": 3.5, "measure": "RMSE"}
    print_findings(findings(job))
    told = capsys.readouterr().out
    assert "RMSE" in told
    assert "3.5" in told
