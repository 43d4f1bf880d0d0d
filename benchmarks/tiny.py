"""`tiny_*`: MLPerf Tiny's models through our STATIC_INT8, against MLPerf's own INT8 files.

Ranges are chosen by BEST on the calibration rows alone. Every file is run in LiteRT, ours and
theirs on the same rows, none of which was calibrated with. Accuracy where there are labels
(ResNet8 on CIFAR-10); else parity with the float model: the cosine of all outputs.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import tiny_features as features
from benchmarks.figure import Better, Figure, Target
from benchmarks.shared_data import shared
from benchmarks.silent import Silent
from domain.optimization_spec import Calibration, CalibrationMethod, OptimizationSpec, Pass
from infrastructure.engine.litert.passes import static_int8
from infrastructure.engine.litert.sessions import LiteRtSession
from infrastructure.engine.proof.rows import rows_of

CALIBRATED_WITH, COMPARED_ON = 256, 128
NOT_LARGER = Target(gate=1.0, better=Better.LESS)


@dataclass(frozen=True, slots=True)
class Model:
    """`rows` are first those to calibrate with, then those to compare on."""

    name: str
    source: str
    reference: str
    rows: NDArray[np.float32]


def measure() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        yield from _resnet(Path(folder))
        for model in _others():
            yield from _by_parity(model, Path(folder))


def _resnet(folder: Path) -> Iterable[Figure]:
    source = shared("mlperf-tiny/pretrainedResnet.tflite")
    reference = shared("mlperf-tiny/pretrainedResnet_quant.tflite")
    rows, _ = features.cifar("train-2000")
    images, labels = features.cifar("test-480")
    made, said = _quantized(source, rows, folder, samples=512)
    ours, theirs, before = (
        100 * float((outputs(file, images).argmax(axis=1) == labels).mean())
        for file in (made, reference, source)
    )
    yield Figure(
        "tiny_resnet8_accuracy", ours, "%", theirs, ours / theirs, "the reference INT8 file",
        Target(gate=1.0), f"float {before:.2f} %; {len(labels)} test pictures; {said}",
    )  # fmt: skip
    yield _size("resnet8", made, reference)


def _by_parity(model: Model, folder: Path) -> Iterable[Figure]:
    source, reference = shared(model.source), shared(model.reference)
    rows, later = model.rows[:CALIBRATED_WITH], model.rows[CALIBRATED_WITH:]
    made, said = _quantized(source, rows, folder, samples=CALIBRATED_WITH)
    wanted = outputs(source, later)
    ours, theirs = (_cosine(wanted, outputs(file, later)) for file in (made, reference))
    yield Figure(
        f"tiny_{model.name}_parity", ours, "cosine", theirs, ours / theirs,
        "the reference INT8 file", None, f"with the float model on {len(later)} rows; {said}",
    )  # fmt: skip
    yield _size(model.name, made, reference)


def _others() -> Iterable[Model]:
    pictures, _ = features.cifar("train-2000")
    rows = CALIBRATED_WITH + COMPARED_ON
    folder = "mlperf-tiny"
    yield Model(
        "vww", f"{folder}/vww_96_float.tflite", f"{folder}/vww_96_int8.tflite",
        features.enlarged(pictures[:rows]),
    )  # fmt: skip
    yield Model(
        "kws", f"{folder}/kws_ref_model_float32.tflite", f"{folder}/kws_ref_model.tflite",
        features.coefficients(rows),
    )  # fmt: skip
    yield Model(
        "ad", f"{folder}/ad01_fp32.tflite", f"{folder}/ad01_int8.tflite", features.energies(rows)
    )


def _quantized(
    source: Path, rows: NDArray[np.float32], folder: Path, samples: int
) -> tuple[Path, str]:
    data, made = folder / "rows.npz", folder / f"{source.stem}-int8.tflite"
    np.savez(data, rows=rows)
    how = Calibration(CalibrationMethod.BEST, samples)
    spec = OptimizationSpec(passes=(Pass.STATIC_INT8,), calibration=how)
    return made, static_int8.apply(source, made, spec, rows_of(str(data)), Silent())


def outputs(file: Path, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first output for each row."""
    session = LiteRtSession(file, threads=1)
    (given,) = session.get_inputs()
    return np.concatenate([session.run(None, {given.name: one[None]})[0] for one in rows])


def _cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    left, right = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
    return float(left @ right / np.sqrt((left @ left) * (right @ right)))


def _size(name: str, made: Path, reference: Path) -> Figure:
    ours, theirs = made.stat().st_size, reference.stat().st_size
    against = "the reference INT8 file"
    return Figure(f"tiny_{name}_bytes", ours, "bytes", theirs, ours / theirs, against, NOT_LARGER)
