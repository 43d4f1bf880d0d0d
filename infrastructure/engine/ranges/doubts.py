"""Whether calibration data looks like what the model will see: said with numbers and a remedy.

Three things are looked at, on the rows that calibration reads: an array that never changes, an
array that differs from the evaluation data's by more than MOST_TIMES, and data that is out of
proportion to the model's first layer (`first_layer`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infrastructure.engine.pass_contract import Rows
from infrastructure.engine.ranges.first_layer import FirstLayer

MOST_TIMES = 10.0
OUT_OF_PROPORTION = 30.0
LOOKED_AT = 512
BLOCK = 16


@dataclass(slots=True)
class Spread:
    """Of one array, over all values seen."""

    low: float = np.inf
    high: float = -np.inf
    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, values: NDArray[Any]) -> None:
        found = np.asarray(values, np.float64)
        self.low, self.high = min(self.low, found.min()), max(self.high, found.max())
        self.count += found.size
        self.total += float(found.sum())
        self.squares += float((found**2).sum())

    @property
    def mean(self) -> float:
        return self.total / self.count

    @property
    def std(self) -> float:
        return float(np.sqrt(max(0.0, self.squares / self.count - self.mean**2)))

    def __str__(self) -> str:
        return f"{self.low:.4g} to {self.high:.4g} with a mean of {self.mean:.4g}"


def doubts(
    layers: Sequence[FirstLayer], calibration: Rows, evaluation: Rows | None, limit: int
) -> tuple[str, ...]:
    """One sentence a doubt. A single array feeds a single input by whichever name."""
    seen = _spreads(calibration, limit)
    later = {} if evaluation is None else _spreads(evaluation, limit)
    found = [_constant(name, one) for name, one in seen.items()]
    if len(seen) == len(later) == 1:
        later = dict(zip(seen, later.values(), strict=True))
    found += [_unlike(name, seen[name], later[name]) for name in seen if name in later]
    for layer in layers:
        name = layer.input if layer.input in seen else next(iter(seen), "")
        if name and (name == layer.input or len(seen) == 1):
            found.append(_out_of_proportion(layer, name, seen[name]))
    return tuple(one for one in found if one)


def _spreads(rows: Rows, limit: int) -> dict[str, Spread]:
    spreads: dict[str, Spread] = {}
    for block in rows.iterate(BLOCK, min(limit, LOOKED_AT)):
        for name, values in block.items():
            if values.size and values.dtype.kind in "fiu":
                spreads.setdefault(name, Spread()).add(values)
    return spreads


def _constant(name: str, seen: Spread) -> str:
    if seen.low < seen.high:
        return ""
    return (
        f"The calibration array “{name}” is {seen.low:.4g} throughout, so it shows no range. Give "
        "rows as the model will see them."
    )


def _unlike(name: str, seen: Spread, later: Spread) -> str:
    widths = (seen.high - seen.low, later.high - later.low)
    if min(widths) <= 0 or max(widths) <= MOST_TIMES * min(widths):
        return ""
    return (
        f"The calibration array “{name}” goes from {seen}, the evaluation data from {later}. "
        "Prepare both in the same way."
    )


def _out_of_proportion(layer: FirstLayer, name: str, seen: Spread) -> str:
    ratio = layer.ratio(seen.mean, seen.std)
    if ratio is None or ratio == 0 or 1 / OUT_OF_PROPORTION < ratio < OUT_OF_PROPORTION:
        return ""
    size = "large" if ratio > 1 else "small"
    times = ratio if ratio > 1 else 1 / ratio
    return (
        f"The calibration array “{name}” goes from {seen}, which is too {size} for this model: its "
        f"first layer's biases weigh {times:,.0f} times {'less' if ratio > 1 else 'more'}. Was it "
        "scaled as in training (bytes 0 to 255, fractions 0 to 1, or −1 to 1)?"
    )
