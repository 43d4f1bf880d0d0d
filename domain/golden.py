"""How near to the reference's answers a device's must be, to be healthy."""

from collections.abc import Mapping
from typing import Any

SAMPLES = 8
MIN_COSINE = 0.98
LEAST_COSINE = 0.5
LOOSER = 4.0


def min_cosine(proof: Mapping[str, Any]) -> float:
    """For an artifact with this proof of its nearness to its source (`Artifact.proof`); 0.98 where
    it has none.

    A proof has the cosine over all rows, and single samples lie about it: what is lost on all may
    be lost four times over on one. 0.98 at most, 0.5 at least."""
    comparison = proof.get("comparison") or {}
    proven = [float(one["cosine"]) for one in comparison.get("outputs") or ()]
    allowed = 1 - LOOSER * (1 - min(proven, default=1.0))
    return round(max(LEAST_COSINE, min(MIN_COSINE, allowed)), 4)
