"""Specs are checked where they are made, and results survive being stored in an event."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.plain_json import from_json, to_json
from domain.benchmark import BenchmarkSpec, percentile
from domain.optimization import Calibration, CalibrationMethod, Level, OptimizationSpec, Pass


def test_a_spec_is_the_same_after_storing() -> None:
    spec = OptimizationSpec(
        passes=(Pass.FP16, Pass.STATIC_INT8),
        level=Level.SIZE,
        max_drop=0.02,
        calibration=Calibration(CalibrationMethod.ENTROPY, samples=64),
        threads=4,
    )
    assert from_json(to_json(spec), OptimizationSpec) == spec


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("passes", {"passes": ()}),
        ("passes", {"passes": (Pass.FP16, Pass.FP16)}),
        ("maxDrop", {"max_drop": 1.5}),
        ("maxDrop", {"max_drop": -0.1}),
        ("maxDrop", {"max_drop": float("nan")}),
        ("threads", {"threads": 0}),
    ],
)
def test_a_spec_that_cannot_be_names_its_field(field: str, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        OptimizationSpec(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("calibration.samples", {"samples": 0}),
        ("calibration.samples", {"samples": 10**9}),
        ("calibration.percentile", {"percentile": 10.0}),
        ("calibration.percentile", {"percentile": 100.5}),
    ],
)
def test_calibration_that_cannot_be_names_its_field(field: str, wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        Calibration(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("runs", {"runs": 0}),
        ("runs", {"runs": 5_000, "rounds": 3}),
        ("rounds", {"rounds": 21}),
        ("warmup", {"warmup": -1}),
        ("batch", {"batch": 0}),
        ("threads", {"threads": 1_000}),
    ],
)
def test_a_benchmark_that_cannot_be_names_its_field(field: str, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        BenchmarkSpec(**wrong)


def test_a_percentile_is_a_time_that_was_measured() -> None:
    samples = [float(one) for one in range(1, 101)]
    assert percentile(samples, 50) == 50.0
    assert percentile(samples, 99) == 99.0
    assert percentile(samples, 100) == 100.0
    assert percentile([7.0], 50) == 7.0
    with pytest.raises(ValueError, match="samples"):
        percentile([], 50)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.floats(0, 100))
def test_at_least_the_asked_share_of_samples_is_at_or_below_a_percentile(
    samples: list[float], share: float
) -> None:
    found = percentile(samples, share)
    assert found in samples
    below = sum(one <= found for one in samples)
    assert below * 100 >= share * len(samples) * (1 - 1e-12)
