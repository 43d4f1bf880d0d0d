"""Builds a TensorRT-RTX engine from an ONNX model, without a GPU.

The engine is portable: it is built for every GPU generation from Ampere on that the library names,
and the device finishes it for its own GPU when it loads it. Turing (7.5) is left out: it has no
FP32 products of matrices, and a network with one would not be built at all. The network is strongly
typed: numbers have the types that the ONNX file gives them. The library numbers its inner tensors
as its threads reach them, so two builds of one network differ in these names and in nothing else.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorrt_rtx_bindings as tensorrt_rtx

from infrastructure.engine.pass_contract import Feed, PassSkipped, Progress, Rows

MOST_BATCH = 8
AMPERE = 80
"""Compute capability 8.0, as the library numbers it."""


class _Log(tensorrt_rtx.ILogger):  # type: ignore[misc]
    """Keeps the errors."""

    def __init__(self) -> None:
        tensorrt_rtx.ILogger.__init__(self)
        self.errors: list[str] = []

    def log(self, severity: Any, message: str) -> None:
        if severity <= tensorrt_rtx.ILogger.ERROR:
            self.errors.append(message)


def build(model: Path, target: Path, data: Rows | None, report: Progress) -> str:
    """Writes the engine, and says what it is for. Raises PassSkipped where the size of an input is
    open and no rows tell it, RuntimeError in TensorRT's words."""
    log = _Log()
    builder = tensorrt_rtx.Builder(log)
    network = builder.create_network(0)
    parser = tensorrt_rtx.OnnxParser(network, log)
    if not parser.parse_from_file(str(model)):
        told = [parser.get_error(place).desc() for place in range(parser.num_errors)]
        raise RuntimeError("TensorRT does not take this model: " + "; ".join(told)[:400])
    config = builder.create_builder_config()
    config.clear_flag(tensorrt_rtx.BuilderFlag.TF32)
    generations = _generations()
    config.num_compute_capabilities = len(generations)
    for place, generation in enumerate(generations):
        config.set_compute_capability(generation, place)
    profile, sizes = _profile(builder, network, data)
    if profile is not None:
        config.add_optimization_profile(profile)
    report.tick(30, "building the engine")
    made = builder.build_serialized_network(network, config)
    if made is None:
        raise RuntimeError("TensorRT built nothing: " + "; ".join(log.errors)[-400:])
    target.write_bytes(bytes(made))
    capabilities = ", ".join(f"{one.value // 10}.{one.value % 10}" for one in generations)
    return (
        f"A TensorRT-RTX {tensorrt_rtx.__version__} engine for compute capability {capabilities}"
        f"{sizes}. It was built, and has not been run"
    )


def _generations() -> list[Any]:
    members = tensorrt_rtx.ComputeCapability.__members__.values()
    return sorted((one for one in members if one.value >= AMPERE), key=lambda one: one.value)


def _profile(builder: Any, network: Any, data: Rows | None) -> tuple[Any, str]:
    """From 1 to MOST_BATCH rows where the first dimension is open; other open dimensions as the
    rows have them. None where every size is fixed."""
    inputs = [network.get_input(place) for place in range(network.num_inputs)]
    opened = [one for one in inputs if -1 in tuple(one.shape)]
    if not opened:
        return None, ""
    rows = next(iter(data.iterate(1, 1)), {}) if data is not None else {}
    profile = builder.create_optimization_profile()
    for one in opened:
        sizes = _sizes(one.name, tuple(one.shape), rows, alone=len(inputs) == 1)
        most = (MOST_BATCH if one.shape[0] == -1 else sizes[0], *sizes[1:])
        profile.set_shape(one.name, sizes, sizes, most)
    return profile, f" and 1 to {MOST_BATCH} rows at once"


def _sizes(name: str, shape: Sequence[int], rows: Feed, alone: bool) -> tuple[int, ...]:
    if -1 not in shape[1:]:
        return (1 if shape[0] == -1 else shape[0], *shape[1:])
    seen = rows.get(name)
    if seen is None and alone and len(rows) == 1:
        seen = next(iter(rows.values()))
    if seen is None or seen.ndim != len(shape):
        raise PassSkipped(
            "OPEN_DIMENSIONS",
            f"The input “{name}” leaves more open than its number of rows, and an engine is built "
            "for sizes that are known. Give calibration rows of the size that is used, or export "
            "the model with fixed sizes.",
        )
    return tuple(
        size if size != -1 else (1 if axis == 0 else seen.shape[axis])
        for axis, size in enumerate(shape)
    )
