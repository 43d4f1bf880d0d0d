"""`calibration_memory`: the most memory that static INT8 takes when it calibrates on 10,000 images.

Through the engine as a job uses it, in its sandboxed process, whose peak is what counts: libraries,
model, histograms and all. BEST is the way that keeps most; the others are told beside it. What
one run of the network holds grows with the image and not with their number: a few large ones show
it.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks import networks
from benchmarks.figure import Better, Figure, Target
from domain.optimization import (
    Calibration,
    CalibrationMethod,
    OptimizationSpec,
    Outcome,
    Pass,
)
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.sandbox import Sandbox

IMAGES, SIDE = 10_000, 32
LARGE_IMAGES, LARGE_SIDE = 32, 224
LAYERS, CHANNELS = 8, 32
MOST_MB = 1_000.0
METHODS = (
    CalibrationMethod.MINMAX, CalibrationMethod.ENTROPY, CalibrationMethod.PERCENTILE,
    CalibrationMethod.BEST,
)  # fmt: skip


class _Watch:
    """Looks on and says nothing."""

    def stage_started(self, name: str) -> None: ...

    def stage_finished(self, name: str) -> None: ...

    def tick(self, percent: float, message: str) -> None: ...

    def cancelled(self) -> bool:
        return False


def measure() -> Iterable[Figure]:
    for method in METHODS:
        yield _figure(_name(method), method, IMAGES, SIDE)
    best = CalibrationMethod.BEST
    yield _figure("calibration_memory_large_images", best, LARGE_IMAGES, LARGE_SIDE)


def _figure(name: str, method: CalibrationMethod, images: int, side: int) -> Figure:
    with tempfile.TemporaryDirectory() as made_in:
        folder = Path(made_in)
        folder.chmod(0o755)  # the engine's process has another uid
        source = networks.convolutional(folder / "net.onnx", LAYERS, CHANNELS, side)
        data = networks.images(folder / "rows.npz", images, side)
        few = networks.images(folder / "few.npz", 32, side)
        spec = OptimizationSpec(
            passes=(Pass.STATIC_INT8,), calibration=Calibration(method, images), max_drop=1.0
        )
        made = SandboxedOptimizer(Sandbox()).optimize(
            source, spec, data, few, folder / method, _Watch()
        )
    (variant,) = made.variants
    if variant.outcome is not Outcome.MADE or variant.peak_memory_bytes is None:
        raise RuntimeError(variant.reason)
    return Figure(
        name, variant.peak_memory_bytes / 1e6, "MB", target=Target(MOST_MB, better=Better.LESS),
        note=f"{images:,} images of {side} × {side}, {LAYERS} convolutions; "
        f"{variant.seconds:.0f} s; {variant.reason}",
    )  # fmt: skip


def _name(method: CalibrationMethod) -> str:
    best = method is CalibrationMethod.BEST
    return "calibration_memory" if best else f"calibration_memory_{method.lower()}"
