"""What becomes a TensorRT-RTX engine. Only NVIDIA GPUs run it: all of it is BUILT."""

from domain.evidence import Evidence
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from domain.pass_declaration import Data, Declaration

_NEEDS = ("tensorrt_rtx_bindings", "onnx", "onnxruntime")


def _declared(
    made_by: Pass,
    what: str,
    needs: tuple[str, ...] = (),
    settings: tuple[str, ...] = (),
    calibration: Data = Data.HELPS,
) -> Declaration:
    return Declaration(
        made_by,
        what,
        ModelFormat.ONNX,
        (*_NEEDS, *needs),
        settings,
        calibration,
        Evidence.BUILT,
        gives=ModelFormat.TENSORRT_ENGINE,
        toolchain="tensorrt",
    )


DECLARATIONS = (
    _declared(Pass.CONVERT, "An engine for every RTX GPU, with the model's own types."),
    _declared(
        Pass.FP16, "An engine in half precision, where the numbers fit.", ("onnxconverter_common",)
    ),
    _declared(
        Pass.STATIC_INT8,
        "An engine with weights and activations as INT8, both symmetric.",
        settings=(
            "per_channel",
            "calibration_method",
            "calibration_samples",
            "calibration_percentile",
        ),
        calibration=Data.REQUIRED,
    ),
)
