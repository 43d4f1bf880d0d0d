"""FP16: weights in half precision; LiteRT turns them to FP32 when it loads the file on a CPU."""

from pathlib import Path

from litert_quantizer.algorithm_manager import AlgorithmName
from litert_quantizer.qtyping import (
    ComputePrecision,
    OpQuantizationConfig,
    TensorDataType,
    TensorQuantizationConfig,
    TFLOperationName,
)
from litert_quantizer.recipe_manager import RecipeManager

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.litert.passes import recipes
from infrastructure.engine.pass_contract import Progress, Rows


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped without weights in FP32."""
    report.tick(20, "converting weights to FP16")
    manager = RecipeManager()
    manager.add_quantization_config(
        regex=".*",
        operation_name=TFLOperationName.ALL_SUPPORTED,
        op_config=OpQuantizationConfig(
            weight_tensor_config=TensorQuantizationConfig(num_bits=16, dtype=TensorDataType.FLOAT),
            compute_precision=ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
        algorithm_key=AlgorithmName.FLOAT_CASTING,
    )
    recipes.quantized(recipes.ready(source), manager.get_quantization_recipe(), target)
    return "Weights are FP16; a CPU computes in FP32, a GPU or NPU in FP16."
