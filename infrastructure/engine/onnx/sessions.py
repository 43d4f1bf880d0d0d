"""How a model is loaded here, for every run and comparison: CPU, a stated number of threads, and
nothing written.

Threads do not spin between runs: two sessions in one process would steal each other's cores, and
the figure would be about that.
"""

from pathlib import Path

import onnxruntime as ort

CPU = ["CPUExecutionProvider"]
ERRORS_ONLY = 3


def open_session(
    model: Path, threads: int, optimized: Path | None = None, spin: bool = False
) -> "ort.InferenceSession":
    """A session on `threads` threads. With `optimized`, ONNX Runtime's BASIC rewriting is saved
    there, which is standard ONNX and the same for every machine. Raises ONNX Runtime's errors."""
    options = ort.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spin else "0")
    if optimized is not None:
        options.optimized_model_filepath = str(optimized)
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return ort.InferenceSession(str(model), options, providers=CPU)


def opened(model: Path, threads: int, spin: bool) -> "ort.InferenceSession":
    """As `runtime.open_model` asks for it."""
    return open_session(model, threads, spin=spin)
