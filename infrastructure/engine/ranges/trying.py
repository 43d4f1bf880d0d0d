"""BEST: a quantized model is made by each way of calibrating, and the nearest to its source kept.

Nearness is told on calibration rows alone, never on the rows that a verdict is given by: the noise
of an output is Σ (s − v)² / Σ s² over all its values, and that of a model the mean of its outputs'.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from domain.optimization_spec import Calibration, CalibrationMethod
from infrastructure.engine.proof.compare import comparable
from infrastructure.engine.proof.inputs import Inputs
from infrastructure.engine.runtime import Session, open_model

MOST_ROWS = 256
"""Rows that the candidates are told apart by."""


def tried(how: Calibration) -> tuple[Calibration, ...]:
    """The ways to try: the one that was named, or for BEST all of them."""
    if how.method is not CalibrationMethod.BEST:
        return (how,)
    shares = (99.9, 99.99, 99.999)
    by_share = [replace(how, method=CalibrationMethod.PERCENTILE, percentile=p) for p in shares]
    others = (CalibrationMethod.ENTROPY, CalibrationMethod.MSE)
    return (
        replace(how, method=CalibrationMethod.MINMAX),
        *by_share,
        *(replace(how, method=one) for one in others),
    )


def nearest(
    ways: tuple[Calibration, ...],
    made: Callable[[Calibration], Path],
    source: Session,
    found: Inputs,
) -> tuple[Calibration, Path]:
    """The way whose file is nearest to its source, and the file; the first of several that are as
    near. A single way is not run at all."""
    if len(ways) == 1:
        return ways[0], made(ways[0])
    best: tuple[float, Calibration, Path] | None = None
    for way in ways:
        file = made(way)
        far = noise(source, open_model(file, threads=1), found)
        if best is None or far < best[0]:
            best = (far, way, file)
    assert best is not None
    return best[1], best[2]


def noise(source: Session, variant: Session, found: Inputs) -> float:
    """Σ (s − v)² / Σ s², the mean over the outputs that are tensors of floats; infinite where the
    variant gives NaN."""
    sums: dict[str, list[float]] = {}
    names = [one.name for one in source.get_outputs()]
    for feed in _first(found):
        outputs = zip(names, source.run(names, feed), variant.run(names, feed), strict=True)
        for name, ours, theirs in outputs:
            if comparable(ours) and comparable(theirs) and ours.shape == theirs.shape:
                one, other = ours.astype(np.float64), theirs.astype(np.float64)
                square = sums.setdefault(name, [0.0, 0.0])
                square[0] += float(np.nan_to_num((one - other) ** 2, nan=np.inf).sum())
                square[1] += float((one**2).sum())
    shares = [lost / whole if whole else lost for lost, whole in sums.values()]
    return sum(shares) / len(shares) if shares else float("inf")


def _first(found: Inputs) -> Iterator[dict[str, np.ndarray]]:
    seen = 0
    for feed in found.batches():
        if seen >= MOST_ROWS:
            return
        yield feed
        seen += found.batch


def said(how: Calibration, kept: Calibration) -> str:
    """`by PERCENTILE 99.99`, and for BEST that it was the nearest."""
    share = f" {kept.percentile:g}" if kept.method is CalibrationMethod.PERCENTILE else ""
    named = f"by {kept.method}{share}"
    if how.method is not CalibrationMethod.BEST:
        return named
    return f"{named} (the nearest to the source of {len(tried(how))} ways tried)"
