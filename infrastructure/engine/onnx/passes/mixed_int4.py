"""MIXED_INT4: INT4 where it costs little, INT8 where it costs more, both weights only, in blocks.

Each product is quantized to INT4 alone, in the otherwise untouched network, and the noise at the
network's outputs is measured on probe rows (one-node sensitivity). Then nodes go to INT4 in the
order of noise per byte saved, as long as the noises' sum stays within what `max_drop` stands for:

    noise share of a node = Σ(s − v)² / Σs² over all float outputs and probes
    budget = max_drop        (a share of the outputs' energy; 0.01 is 20 dB)

ONNX Runtime's own qdq_loss_debug matches no tensor of MatMulNBits and says nothing, so the outputs
themselves are compared.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx.passes import blocks, integers
from infrastructure.engine.onnx.passes.int4 import NOTHING
from infrastructure.engine.onnx.sessions import open_session
from infrastructure.engine.pass_contract import Feed, PassSkipped, Progress, Rows
from infrastructure.engine.proof import inputs

PROBES = 16


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped where no weights can be kept in blocks."""
    with integers.workshop() as folder:
        model, found = blocks.ready(onnx.load(source))
        if not found.names:
            raise PassSkipped("NO_MATMUL_OR_EMBEDDING", NOTHING)
        probes = _probes(source, data)
        wanted = _outputs(open_session(source, threads=1), probes)
        noises: dict[str, float] = {}
        for number, name in enumerate(found.names):
            report.tick(80 * number / len(found.names), f"trying {name} in INT4")
            tried = folder / "tried.onnx"
            one = blocks.in_blocks(model, 4, spec.block_size, (name,))
            tried.write_bytes(one.SerializeToString())
            noises[name] = _noise(wanted, _outputs(open_session(tried, threads=1), probes))
        four = _affordable(noises, _sizes(model), spec.max_drop)
        # An embedding has no 8-bit kernel: what INT4 would cost too much stays a float table.
        eight = tuple(name for name in found.products if name not in four)
        made = blocks.in_blocks(model, 4, spec.block_size, four) if four else model
        made = blocks.in_blocks(made, 8, spec.block_size, eight) if eight else made
    if not four and not eight:
        raise PassSkipped("TOO_SENSITIVE", f"INT4 embeddings would cost more than {spec.max_drop}.")
    target.write_bytes(made.SerializeToString(deterministic=True))
    spent = sum(noises[name] for name in four)
    return (
        f"{len(four)} nodes have INT4 weights and {len(eight)} INT8, in blocks of "
        f"{spec.block_size}; INT4 adds noise of {spent:.3%} of the outputs' energy on "
        f"{len(probes)} probes, {spec.max_drop:.3%} were allowed."
    )


def _affordable(noises: dict[str, float], sizes: dict[str, int], budget: float) -> tuple[str, ...]:
    """Cheapest noise per byte first, in the graph's order where equal; whoever does not fit is
    passed over."""
    chosen: set[str] = set()
    for name in sorted(noises, key=lambda one: noises[one] / max(1, sizes[one])):
        if noises[name] <= budget:
            chosen.add(name)
            budget -= noises[name]
    return tuple(name for name in noises if name in chosen)


def _sizes(model: onnx.ModelProto) -> dict[str, int]:
    """Bytes of the constants that each node reads."""
    bytes_of = {one.name: one.ByteSize() for one in model.graph.initializer}
    return {
        node.name: sum(bytes_of.get(name, 0) for name in node.input) for node in model.graph.node
    }


def _probes(source: Path, data: Rows | None) -> list[Feed]:
    session = open_session(source, threads=1)
    found = inputs.inputs_for(session, data, limit=PROBES, batch=1)
    return [feed for feed, _ in zip(found.batches(), range(PROBES), strict=False)]


def _outputs(session: "ort.InferenceSession", probes: list[Feed]) -> list[Any]:
    return [value for feed in probes for value in session.run(None, feed)]


def _noise(wanted: list[Any], seen: list[Any]) -> float:
    energy = noise = 0.0
    for source, variant in zip(wanted, seen, strict=True):
        if isinstance(source, np.ndarray) and source.dtype.kind == "f":
            s = source.astype(np.float64)
            energy += float(np.sum(s * s))
            noise += float(np.sum((s - variant.astype(np.float64)) ** 2))
    if not np.isfinite(noise):
        return float("inf")
    return noise / energy if energy else noise
