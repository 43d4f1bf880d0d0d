"""What every scorer is: a tally of one side, source or variant, fed with the same rows.

Rows whose predictions are not finite are left out of a figure, as they are of parity; the gate
FINITE tells of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from domain.measure import Measure

Array = NDArray[Any]
Outputs = Mapping[str, Any]
"""Arrays by name; what a runtime gives besides (sequences, maps) is passed by."""


class Unscorable(ValueError):
    """What the model gives cannot be judged so; the words say why and what to do."""


@dataclass(frozen=True, slots=True)
class Figures:
    """`value` by the tally's measure over `rows` rows, read from `output`; `also` has more."""

    value: float
    rows: int
    output: str
    also: Mapping[Measure, float] = field(default_factory=dict)


class Tally(Protocol):
    """Fed in the order of the data. Both methods raise Unscorable."""

    @property
    def measure(self) -> Measure: ...

    def add(self, feed: Outputs, outputs: Outputs, truth: Outputs) -> None:
        """One batch: what went in, what came out, and what is right, by names."""
        ...

    def figures(self) -> Figures: ...


def in_rows(value: Array, rows: int) -> Array:
    """With the rows first; an output of a single row may come without that place."""
    if value.ndim and value.shape[0] == rows:
        return value
    if rows == 1:
        return value[None]
    raise Unscorable(f"An output of shape {list(value.shape)} does not tell {rows} rows apart.")


def chosen(
    outputs: Outputs, name: str, suits: Callable[[Array], bool], what: str, only: bool = False
) -> str:
    """The output of that name, or without one the first that suits; `only`: the only one."""
    tensors = {key: value for key, value in outputs.items() if isinstance(value, np.ndarray)}
    if name:
        if name not in tensors:
            raise Unscorable(f"The model has no output “{name}”; it has {listed(outputs)}.")
        if not suits(tensors[name]):
            raise Unscorable(f"The output “{name}” {shaped(tensors[name])} is not {what}.")
        return name
    found = [key for key, value in tensors.items() if suits(value)]
    if not found:
        raise Unscorable(f"No output is {what}; there are {listed(outputs)}.")
    if only and len(found) > 1:
        raise Unscorable(
            f"Several outputs are {what}: {', '.join(found[:8])}. Name one in the scorer's "
            "setting “output”."
        )
    return found[0]


def listed(outputs: Outputs) -> str:
    """Names, types and shapes."""
    told = [f"“{name}” {shaped(value)}" for name, value in list(outputs.items())[:8]]
    return ", ".join(told)


def shaped(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return f"({type(value).__name__})"
    return f"({value.dtype} {list(value.shape)})"


def is_float(value: Array) -> bool:
    return value.dtype.kind == "f"


def joined(pieces: Sequence[Array]) -> Array:
    return np.concatenate(pieces) if pieces else np.empty(0)
