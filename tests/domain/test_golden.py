"""How near a device's answers must be, from what was proven of the artifact."""

from typing import Any

import pytest

from domain.golden import min_cosine


def proof(*cosines: float) -> dict[str, Any]:
    return {"comparison": {"outputs": [{"name": "y", "cosine": one} for one in cosines]}}


@pytest.mark.parametrize(
    ("given", "least"),
    [
        ({}, 0.98),
        ({"comparison": None}, 0.98),
        (proof(1.0), 0.98),
        (proof(0.999, 1.0), 0.98),
        (proof(0.98, 0.999), 0.92),
        (proof(0.5), 0.5),
    ],
)
def test_a_build_that_is_less_near_its_source_is_judged_less_strictly(
    given: dict[str, Any], least: float
) -> None:
    assert min_cosine(given) == least
