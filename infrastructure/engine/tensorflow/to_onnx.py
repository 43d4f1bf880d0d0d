"""A frozen computation as an ONNX file, by tf2onnx."""

from pathlib import Path

from tf2onnx import convert

from infrastructure.engine.onnx.from_tf2onnx import OPSET, kept
from infrastructure.engine.tensorflow.frozen import Frozen


def to_onnx(frozen: Frozen, target: Path) -> str:
    """Raises PassSkipped for operators that ONNX does not have."""
    function = frozen.function
    inputs = [one.name for one in function.inputs]
    outputs = [one.name for one in function.outputs]
    named = zip((*inputs, *outputs), (*frozen.inputs, *frozen.outputs), strict=True)
    model, _ = convert.from_graph_def(
        function.graph.as_graph_def(),
        name="model",
        input_names=inputs,
        output_names=outputs,
        opset=OPSET,
        tensors_to_rename=dict(named),
    )
    return kept(model, target)
