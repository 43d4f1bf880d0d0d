"""The task `benchmark`: one model, one fresh process, raw times.

Nothing else is loaded, so that the peak of memory is the model's and its runtime's. Threads spin
while they wait, which is ONNX Runtime's default and what a device would do.
"""

import time
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from application.ports.engine import EngineRefusal
from infrastructure.engine.proof.inputs import CannotFeed, Inputs, inputs_for
from infrastructure.engine.proof.timing import run_ms
from infrastructure.engine.reporting import Reporter, memory_ran_out
from infrastructure.engine.runtime import Session, open_model, runtime_of

STATUS = Path("/proc/self/status")


def time_runs(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """`{"model", "threads", "warmup", "runs", "batch"}` in; `{"samples_ms", "load_ms", "batch",
    "base_memory_bytes", "peak_memory_bytes"}` out. Raises EngineRefusal."""
    base = psutil.Process().memory_info().rss
    begun = time.perf_counter_ns()
    session = _loaded(Path(request["model"]), request["threads"])
    load_ms = (time.perf_counter_ns() - begun) / 1e6
    found = _fed(session, request["batch"])
    feeds = list(found.batches())
    for number in range(request["warmup"]):
        session.run(None, feeds[number % len(feeds)])
    samples = []
    for number in range(request["runs"]):
        samples.append(run_ms(session, feeds[number % len(feeds)]))
        reporter.tick(100 * (number + 1) / request["runs"], f"run {number + 1}")
    return {
        "samples_ms": samples,
        "load_ms": load_ms,
        "batch": found.batch,
        "base_memory_bytes": base,
        "peak_memory_bytes": _peak() or psutil.Process().memory_info().rss,
    }


def _loaded(model: Path, threads: int) -> Session:
    try:
        return open_model(model, threads, spin=True)
    except Exception as error:
        if memory_ran_out(error):
            raise
        told = " ".join(str(error).split())[:400]
        if not isinstance(error, EngineRefusal):  # as of a file that is no model
            told = f"{runtime_of(model)} does not load it: {told}"
        remedy = "Benchmark an artifact that runs."
        raise EngineRefusal("NOT_RUNNABLE", told, remedy, "artifactIds") from error


def _fed(session: Session, batch: int) -> Inputs:
    try:
        return inputs_for(session, None, limit=batch * 4, batch=batch)
    except CannotFeed as error:
        raise EngineRefusal("CANNOT_FEED", str(error), "", "artifactIds") from error


def _peak() -> int | None:
    """The most resident memory since this program began. getrusage would count the memory of the
    process that started it too."""
    if not STATUS.exists():
        return None
    line = next(one for one in STATUS.read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
