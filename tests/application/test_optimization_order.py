"""A request is told by what was asked, so that it is the same after an upgrade."""

from uuid import uuid4

import pytest

from application.commands.command import hash_of
from application.commands.job import _plain, _spec
from application.commands.optimization_order import OptimizationOrder, as_asked, chosen
from application.plain_json import to_json
from domain.artifact import Artifact, ArtifactFile, Origin
from domain.device_profile import Architecture, Hardware
from domain.model_format import ModelFormat
from domain.optimization_spec import Level, OptimizationSpec, Pass

SOURCE = Artifact(
    uuid4(), 1, "source", ModelFormat.ONNX, (ArtifactFile("m", "0" * 64, 1_000),), None, Origin()
)
X86 = Hardware(Architecture.X86_64, 4, 2**30, ("onnxruntime",))


def settled(
    order: OptimizationOrder, hardware: Hardware | None = None, *, calibrated: bool = False
) -> tuple[OptimizationSpec, str]:
    """What is done, and the hash of what was asked."""
    choice = chosen(order, SOURCE, hardware, calibrated=calibrated)
    spec = _spec(order, choice, ModelFormat.ONNX, None, calibrated=calibrated)
    asked, passes = as_asked(order, spec, ModelFormat.ONNX, calibrated=calibrated)
    return spec, hash_of(spec={**_plain(asked), "passes": to_json(passes)})


@pytest.mark.parametrize(
    ("order", "calibrated", "before"),
    [
        (
            OptimizationOrder(),
            False,
            "e06d8c8427bc53537c2c9a0eadf3458ecfe2f2fc2b392173c5fcce446c05f2b0",
        ),
        (
            OptimizationOrder(level=Level.SIZE, max_drop=0.02),
            True,
            "0be6f162f7b4fed76025affc198f27b069a911dc36189672584c158888ac0c8f",
        ),
        (
            OptimizationOrder(
                passes=(Pass.INT4,), block_size=64, reduce_range=True, per_channel=False
            ),
            True,
            "d825ed03404c27b8d9f2a806335ebf29be7d8334996a15d372793a3997c5a0ef",
        ),
    ],
)
def test_a_request_has_the_hash_that_earlier_code_gave_it(
    order: OptimizationOrder, calibrated: bool, before: str
) -> None:
    assert settled(order, calibrated=calibrated)[1] == before
    # The hardware is hashed beside the spec; what it decides is not.
    assert settled(order, X86, calibrated=calibrated)[1] == before


def test_the_hardware_decides_what_is_left_open_and_nothing_else() -> None:
    open_, _ = settled(OptimizationOrder(), X86)
    assert (open_.reduce_range, Pass.FP16 in open_.passes) == (True, False)
    said, _ = settled(OptimizationOrder(passes=(Pass.FP16,), reduce_range=False), X86)
    assert (said.reduce_range, said.passes) == (False, (Pass.FP16,))
    plain, _ = settled(OptimizationOrder())
    assert (plain.reduce_range, Pass.FP16 in plain.passes) == (False, True)
