"""What running a model through the agent's runtime costs beside the bare onnxruntime call.

The same file, options and inputs; `Predictor.predict` as the agent calls it, with its measurement
of every call, against `InferenceSession.run`. In turns, a pair at a time; the figure is the ratio
of the medians. The cache of results is off, as it is by default. What a program pays beside that
for asking over the agent's socket is no part of it.
"""

import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime

from benchmarks import networks
from benchmarks.figure import Better, Figure, Target
from edge.inference.predictor import Predictor
from edge.inference.runtimes import load

LAYERS, CHANNELS, SIDE = 6, 16, 64
WARM_UP, PAIRS = 50, 1_000


def measure() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory(prefix="edgewise-bench-") as folder:
        path = Path(folder) / "model.onnx"
        networks.convolutional(path, LAYERS, CHANNELS, SIDE)
        mine, bare = _both(path)
    yield Figure(
        "inference_overhead",
        median(mine) * 1_000,
        "ms",
        median(bare) * 1_000,
        median(mine) / median(bare),
        "the bare onnxruntime call",
        Target(1.05, 1.01, Better.LESS),
        f"{PAIRS:,} pairs in turns, one thread, {LAYERS} convolutions of {SIDE} × {SIDE}",
    )


def _both(path: Path) -> tuple[list[float], list[float]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (wanted,) = session.get_inputs()
    shape = [1 if isinstance(side, str) or side is None else side for side in wanted.shape]
    inputs = {wanted.name: np.random.default_rng(7).random(shape, np.float32)}
    predictor = Predictor(load(path, "ONNX", 1), "0" * 64, 0)
    calls: tuple[Callable[[], Any], ...] = (
        lambda: predictor.predict(inputs),
        lambda: session.run(None, inputs),
    )
    times: tuple[list[float], list[float]] = ([], [])
    for pair in range(WARM_UP + PAIRS):
        for which in (0, 1) if pair % 2 else (1, 0):
            began = time.perf_counter()
            calls[which]()
            if pair >= WARM_UP:
                times[which].append(time.perf_counter() - began)
    return times
