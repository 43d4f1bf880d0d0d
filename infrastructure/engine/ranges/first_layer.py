"""What a network expects of an input, as its first layer tells.

    ratio = rms_c √((Σw_c · mean)² + ‖w_c‖² · std²) / rms_c |b_c|

is how much the data weighs against the biases b that the layer learned beside its weights w (per
output channel c; normalization that was folded in counts, as it is a bias too). In a network fed
as it was trained both are of one size: 0.6 to 2.5 in MLPerf Tiny's reference models, and 160 to
650, or below 0.01, with bytes in place of fractions and fractions in place of bytes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FirstLayer:
    """The layer that reads `input`: by output channel Σw, ‖w‖ and the bias."""

    input: str
    sums: NDArray[np.float64]
    norms: NDArray[np.float64]
    biases: NDArray[np.float64]

    def ratio(self, mean: float, std: float) -> float | None:
        """Data against biases; None where nothing can be told."""
        learned = float(np.sqrt(np.mean(self.biases**2)))
        if learned == 0.0:
            return None
        given = (self.sums * mean) ** 2 + (self.norms * std) ** 2
        return float(np.sqrt(np.mean(given))) / learned


def first_layer_of(
    input: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]
) -> FirstLayer:
    """`kernel` has its output channels on the first axis."""
    rows = kernel.reshape(kernel.shape[0], -1).astype(np.float64)
    return FirstLayer(
        input, rows.sum(axis=1), np.linalg.norm(rows, axis=1), bias.ravel().astype(np.float64)
    )
