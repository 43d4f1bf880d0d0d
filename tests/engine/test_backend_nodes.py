"""Node tests of ONNX's own backend suite, through inspection, every pass and parity.

A sample of them, evenly spread by name; `make bench ARGS=onnx_backend_nodes` takes all of them.
"""

import pytest

from benchmarks.node_tests import PASSES, cases, judged
from benchmarks.onnx_backend_nodes import CRASHED, run_all

SAMPLE = 60
FEWEST_TAKEN = 0.7
"""The rest are types and operators that ONNX Runtime does not have."""


def hold(every: int) -> None:
    """Each ends in a file with a verdict, in a reason or in a refusal."""
    tests = cases()[::every]
    found = run_all(tests)
    assert [one.name for one in found] == [one.name for one in tests]
    assert [one.name for one in found if one.inspection[0] == CRASHED] == []
    taken = [one for one in found if one.inspection[0] == "taken"]
    assert len(taken) >= FEWEST_TAKEN * len(found)
    assert [one.name for one in taken if not (one.run[0] and (one.passes or one.run[1]))] == []
    for one in taken:
        words = [word for word, _ in one.passes.values()]
        assert len(words) in (0, len(PASSES))
        assert all(reason or word == "made, parity holds" for word, reason in one.passes.values())


@pytest.mark.timeout(600)
def test_a_sample_of_the_node_tests_ends_in_a_file_a_reason_or_a_refusal() -> None:
    hold(every=len(cases()) // SAMPLE)


def test_a_body_that_onnxslim_orders_wrongly_is_simplified_by_onnx_runtime_alone(tmp_path) -> None:
    (case,) = (one for one in cases() if one.name == "test_affine_grid_2d_expanded")
    assert judged(case, tmp_path).passes["GRAPH"] == ("made, parity holds", "")
