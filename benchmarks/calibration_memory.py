"""`calibration_memory`: the most memory that static INT8 takes when it calibrates on 10,000 images.

Through the engine as a job uses it, in its sandboxed process, whose peak is what counts: libraries,
model, histograms and all. BEST is the way that keeps most; MINMAX is told beside it.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

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
LAYERS, CHANNELS = 8, 32
MOST_MB = 1_000.0


class _Watch:
    """Looks on and says nothing."""

    def stage_started(self, name: str) -> None: ...

    def stage_finished(self, name: str) -> None: ...

    def tick(self, percent: float, message: str) -> None: ...

    def cancelled(self) -> bool:
        return False


def measure() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # the engine's process has another uid
        source = networks.convolutional(folder / "net.onnx", LAYERS, CHANNELS, SIDE)
        data = networks.images(folder / "rows.npz", IMAGES, SIDE)
        few = folder / "few.npz"
        with np.load(data) as file:
            np.savez(few, image=file["image"][:32])
        for method in (CalibrationMethod.MINMAX, CalibrationMethod.BEST):
            spec = OptimizationSpec(
                passes=(Pass.STATIC_INT8,), calibration=Calibration(method, IMAGES), max_drop=1.0
            )
            made = SandboxedOptimizer(Sandbox()).optimize(
                source, spec, data, few, folder / method, _Watch()
            )
            (variant,) = made.variants
            if variant.outcome is not Outcome.MADE or variant.peak_memory_bytes is None:
                raise RuntimeError(variant.reason)
            yield Figure(
                _name(method), variant.peak_memory_bytes / 1e6, "MB",
                target=Target(MOST_MB, better=Better.LESS),
                note=f"{IMAGES:,} images of {SIDE} × {SIDE}, {LAYERS} convolutions; "
                f"{variant.seconds:.0f} s; {variant.reason}",
            )  # fmt: skip


def _name(method: CalibrationMethod) -> str:
    best = method is CalibrationMethod.BEST
    return "calibration_memory" if best else f"calibration_memory_{method.lower()}"
