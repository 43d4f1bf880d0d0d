"""From what a tensor was seen to hold to the range that it is quantized over.

Every range holds zero, as TFLite and ONNX want it.

- MINMAX: the extremes.
- PERCENTILE p: what is left when (100 − p) / 2 percent of the values are cut at each end.
- ENTROPY: the cut [−t, t] whose 128 steps a side lose least information by the Kullback-Leibler
  divergence (Migacz, “8-bit inference with TensorRT”, GTC 2017), never beyond the extremes, and
  never one that moves the values farther than rounding between the extremes does (|error|, in
  all): the divergence sees shape, not distance, and would clip a third of all values for a spike
  of equal ones, an activation at its floor say, to stand out sharply.
- MSE: the range with the least squared error over all values: what lies inside is rounded
  (step² / 12 in the mean), what lies outside is clipped; found by going down each end in turn.
"""

import numpy as np
from numpy.typing import NDArray

from domain.optimization_spec import Calibration, CalibrationMethod
from infrastructure.engine.ranges.histogram import Histogram

STEPS = 255
"""An 8-bit type tells 256 values apart."""
CUTS = 128
"""Into how many cuts the extremes are divided in the search for a better range."""
SIDE = 128
FOLDED = 2048
"""Bins of absolute values that ENTROPY looks at."""
EPSILON = 1e-10


def chosen(seen: Histogram, how: Calibration, steps: int = STEPS) -> tuple[float, float]:
    """The lowest and the highest value of the range; `steps` is one less than the values that the
    quantized type tells apart."""
    if not seen.counts.size or how.method is CalibrationMethod.MINMAX:
        return seen.low, seen.high
    if how.method is CalibrationMethod.PERCENTILE:
        return _percentile(seen, how.percentile)
    if how.method is CalibrationMethod.ENTROPY:
        return _entropy(seen, steps)
    return _least_squares(seen, steps)


def _percentile(seen: Histogram, percentile: float) -> tuple[float, float]:
    edges, counts = seen.edges, seen.counts.copy()
    counts[-seen.first] += seen.zeros
    share = np.cumsum(counts) / counts.sum()
    cut = (100.0 - percentile) / 200.0
    left = edges[int(np.searchsorted(share, cut, side="right"))]
    right = edges[min(int(np.searchsorted(share, 1.0 - cut)) + 1, edges.size - 1)]
    return _within(seen, float(left), float(right))


def _within(seen: Histogram, low: float, high: float) -> tuple[float, float]:
    return min(0.0, max(low, seen.low)), max(0.0, min(high, seen.high))


def _least_squares(seen: Histogram, steps: int) -> tuple[float, float]:
    centers, counts = seen.centers, seen.counts.astype(np.float64)
    shares = np.arange(CUTS, 0, -1) / CUTS
    low, high = seen.low, seen.high
    for _ in range(3):
        highs = seen.high * shares
        high = float(highs[np.argmin([_error(centers, counts, low, one, steps) for one in highs])])
        lows = seen.low * shares  # of those that are as good the widest comes first
        low = float(lows[np.argmin([_error(centers, counts, one, high, steps) for one in lows])])
    return low, high


def _error(
    centers: NDArray[np.float64], counts: NDArray[np.float64], low: float, high: float, steps: int
) -> float:
    beyond = np.maximum(centers - high, 0) + np.maximum(low - centers, 0)
    step = (high - low) / steps
    rounded = step * step / 12
    return float(np.sum(counts * np.where(beyond > 0, beyond * beyond, rounded)))


def _entropy(seen: Histogram, steps: int) -> tuple[float, float]:
    most = max(-seen.low, seen.high)
    centers, counts = seen.centers, seen.counts.astype(np.float64)
    places = np.minimum(np.abs(centers) / most * FOLDED, FOLDED - 1).astype(np.int64)
    folded = np.bincount(places, counts, FOLDED).astype(np.float64)
    extremes = _moved(centers, counts, seen.low, seen.high, steps)
    best, least = (seen.low, seen.high), _divergence(folded, FOLDED)
    for kept in range(FOLDED - 16, SIDE - 1, -16):
        cut = most * kept / FOLDED
        tried = _within(seen, -cut, cut)
        if _moved(centers, counts, *tried, steps) <= extremes:
            lost = _divergence(folded, kept)
            if lost < least:
                best, least = tried, lost
    return best


def _moved(
    centers: NDArray[np.float64], counts: NDArray[np.float64], low: float, high: float, steps: int
) -> float:
    """Σ |error|: what lies inside is rounded (step / 4 in the mean), what lies outside clipped."""
    beyond = np.maximum(centers - high, 0) + np.maximum(low - centers, 0)
    return float(np.sum(counts * np.where(beyond > 0, beyond, (high - low) / steps / 4)))


def _divergence(folded: NDArray[np.float64], kept: int) -> float:
    """Between the first `kept` bins, with all beyond them clipped into the last, and the same bins
    told apart by SIDE steps only."""
    wanted = folded[:kept].copy()
    given = wanted.copy()
    wanted[-1] += folded[kept:].sum()
    step = np.arange(kept) * SIDE // kept
    filled = given > 0
    sums = np.bincount(step, given, SIDE)
    filled_in = np.maximum(np.bincount(step, filled, SIDE), 1)
    told = np.where(filled, (sums / filled_in)[step], 0.0)
    if not told.sum():
        return float("inf")
    left, right = wanted / wanted.sum(), told / told.sum()
    where = left > 0
    return float(np.sum(left[where] * np.log(left[where] / np.maximum(right[where], EPSILON))))
