"""FP16: weights in half precision, where the numbers fit; a CPU computes in FP32."""

from pathlib import Path

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.openvino.files import layer_names, read, write
from infrastructure.engine.openvino.passes.weights import changed
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped without weights in FP32."""
    report.tick(20, "storing weights in FP16")
    model = read(source)
    write(model, target, layer_names(model), halves=True)
    kinds = changed(source, target)
    left = kinds.get("f32", 0)
    kept = f"; {left:,} bytes stay FP32, their numbers do not fit" if left else ""
    return f"Weights are FP16{kept}. A CPU computes in FP32, a GPU or NPU in FP16."
