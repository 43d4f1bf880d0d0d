"""FP16: the network is strongly typed, so the ONNX file becomes FP16 first, where numbers fit."""

import tempfile
from pathlib import Path

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx.passes import fp16
from infrastructure.engine.pass_contract import Progress, Rows
from infrastructure.engine.tensorrt.build import build


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped and RuntimeError as `build` and the ONNX pass do."""
    with tempfile.TemporaryDirectory() as folder:
        half = Path(folder) / "half.onnx"
        said = fp16.apply(source, half, spec, data, report)
        return f"{build(half, target, data, report)}; {said}"
