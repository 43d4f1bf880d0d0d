"""INT4: the weights of matrix products and embeddings in blocks of 4-bit integers.

Needs no data. Made for networks whose bytes are matrices, such as transformers; convolutions stay
as they are.
"""

from pathlib import Path

import onnx

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx.passes import blocks, integers
from infrastructure.engine.pass_contract import PassSkipped, Progress, Rows

NOTHING = (
    "There is no MatMul, Gemm or embedding with constant FP32 weights, and INT4 covers only those. "
    "For convolutions give a calibration dataset and use STATIC_INT8."
)


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped where no weights can be kept in blocks."""
    with integers.workshop():
        model, found = blocks.ready(onnx.load(source))
        if not found.names:
            raise PassSkipped("NO_MATMUL_OR_EMBEDDING", NOTHING)
        report.tick(30, f"quantizing {len(found.names)} nodes")
        made = blocks.in_blocks(model, 4, spec.block_size, found.names)
    done = blocks.made_in(made)
    if not done:
        raise PassSkipped("NOTHING_QUANTIZED", "ONNX Runtime's quantizer found no node it can do.")
    target.write_bytes(made.SerializeToString(deterministic=True))
    return (
        f"{done} of {len(found.names)} nodes have INT4 weights in blocks of {spec.block_size}"
        f" ({len(found.tables)} embeddings); activations stay floats."
    )
