"""`recipe_vs_library_*`: our pass against its own library called by hand, with the same settings.

The same rows, operators and types. Time is of the whole recipe, in turns, from file to file; the
library calibrates ONNX on every core and spins on it, so a busy machine flatters us. Drop
is 1 − cosine with the float model on rows that were not calibrated with; the gate is that ours is
no larger, or that the files are the same.
"""

import io
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnx
from litert_quantizer import recipe
from litert_quantizer.quantizer import Quantizer
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from benchmarks import networks
from benchmarks import tiny_features as features
from benchmarks.figure import Better, Figure, Target
from benchmarks.shared_data import shared
from benchmarks.silent import Silent
from domain.optimization_spec import Calibration, OptimizationSpec, Pass
from infrastructure.engine.litert import flatbuffer
from infrastructure.engine.litert.passes import static_int8 as litert_static
from infrastructure.engine.onnx.passes import static_int8 as onnx_static
from infrastructure.engine.proof.rows import rows_of
from infrastructure.engine.runtime import open_model

ROUNDS, ROWS, LATER = 5, 256, 64
SPEC = OptimizationSpec(passes=(Pass.STATIC_INT8,), calibration=Calibration(samples=ROWS))
NOT_SLOWER = Target(gate=1.1, aim=1.0, better=Better.LESS)
Recipe = Callable[[Path], None]


def measure() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _onnx(folder)
        yield from _tflite(folder)


def _onnx(folder: Path) -> Iterable[Figure]:
    source = networks.convolutional(folder / "net.onnx", layers=12, channels=32, side=32)
    data = networks.images(folder / "rows.npz", ROWS + LATER, side=32)
    with np.load(data) as file:
        rows = file["image"]

    def ours(target: Path) -> None:
        onnx_static.apply(source, target, SPEC, rows_of(str(data)), Silent())

    def theirs(target: Path) -> None:
        prepared = folder / "prepared.onnx"
        quant_pre_process(str(source), str(prepared))
        quantize_static(
            str(prepared),
            str(target),
            _Reader(rows[:ROWS]),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_covered(prepared),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )

    yield from _figures("onnx", source, ours, theirs, rows[ROWS:], folder)


def _tflite(folder: Path) -> Iterable[Figure]:
    source = shared("mlperf-tiny/pretrainedResnet.tflite")
    rows = features.cifar("train-2000")[0][: ROWS + LATER]
    data = folder / "pictures.npz"
    np.savez(data, rows=rows)

    def ours(target: Path) -> None:
        litert_static.apply(source, target, SPEC, rows_of(str(data)), Silent())

    def theirs(target: Path) -> None:
        model = flatbuffer.with_signature(flatbuffer.read(source))
        (name,) = flatbuffer.signature_inputs(model).values()
        quantizer = Quantizer(flatbuffer.written(model), recipe.static_wi8_ai8())
        feeds = [{name: one[None]} for one in rows[:ROWS]]
        with redirect_stdout(io.StringIO()):
            seen = quantizer.calibrate({flatbuffer.signature_key(model): feeds}, num_threads=1)
            made = quantizer.quantize(seen, enable_progress_report=False).quantized_model
        target.write_bytes(made)

    yield from _figures("tflite", source, ours, theirs, rows[ROWS:], folder)


def _figures(
    name: str,
    source: Path,
    ours: Recipe,
    theirs: Recipe,
    rows: NDArray[np.float32],
    folder: Path,
) -> Iterator[Figure]:
    made, known = folder / f"ours{source.suffix}", folder / f"theirs{source.suffix}"
    load = os.getloadavg()[0]
    times = [(_seconds(ours, made), _seconds(theirs, known)) for _ in range(ROUNDS)]
    ratios = [one / other for one, other in times]
    against = "the library called by hand"
    yield Figure(
        f"recipe_vs_library_{name}", median(one for one, _ in times), "s",
        median(other for _, other in times), median(ratios), against, NOT_SLOWER,
        f"median of {ROUNDS} pairs, ratios {min(ratios):.2f} to {max(ratios):.2f}; {ROWS} rows; "
        f"the machine's load at the start {load:.1f}",
    )  # fmt: skip
    wanted = _outputs(source, rows)
    drop, theirs_drop = (1 - _cosine(wanted, _outputs(file, rows)) for file in (made, known))
    same = made.read_bytes() == known.read_bytes()
    yield Figure(
        f"recipe_vs_library_{name}_drop", drop, "1 − cosine", theirs_drop,
        1.0 if same else drop / theirs_drop, against, Target(1.0, better=Better.LESS),
        "the same bytes" if same else f"on {len(rows)} rows not calibrated with",
    )  # fmt: skip


def _seconds(recipe: Recipe, target: Path) -> float:
    begun = time.perf_counter()
    recipe(target)
    return time.perf_counter() - begun


def _covered(prepared: Path) -> list[str]:
    """The operators that our pass covers in this network."""
    has = {node.op_type for node in onnx.load(prepared).graph.node}
    return sorted(has & {*onnx_static.WEIGHTED, *onnx_static.MOVING, *onnx_static.MIXING})


def _outputs(file: Path, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    session = open_model(file, threads=1)
    given = session.get_inputs()[0].name
    told: list[Any] = [session.run(None, {given: one[None]})[0] for one in rows]
    return np.concatenate(told).astype(np.float64).ravel()


def _cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


class _Reader:
    """Rows one by one, as the library's own calibration wants them."""

    def __init__(self, rows: NDArray[np.float32]) -> None:
        self._rows = iter(rows)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        row = next(self._rows, None)
        return None if row is None else {"image": row[None]}
