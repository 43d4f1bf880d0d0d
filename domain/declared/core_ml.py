"""What becomes Core ML, and is done to it. Only Apple's systems run it: all of it is BUILT."""

from domain.evidence import Evidence
from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from domain.pass_declaration import Data, Declaration

_LIBRARY = {ModelFormat.TORCH_EXPORT: "torch"}
"""Beside coremltools; TensorFlow for the others."""


def _from(takes: ModelFormat, made_by: Pass, what: str) -> Declaration:
    return Declaration(
        made_by,
        what,
        takes,
        ("coremltools", _LIBRARY.get(takes, "tensorflow")),
        calibration=Data.HELPS,
        evidence=Evidence.BUILT,
        gives=ModelFormat.CORE_ML,
        toolchain="pytorch" if takes is ModelFormat.TORCH_EXPORT else "coreml",
    )


def _within(
    made_by: Pass, what: str, settings: tuple[str, ...] = (), needs: tuple[str, ...] = ()
) -> Declaration:
    return Declaration(
        made_by,
        what,
        ModelFormat.CORE_ML,
        ("coremltools", *needs),
        settings,
        evidence=Evidence.BUILT,
        toolchain="coreml",
    )


DECLARATIONS = (
    _from(ModelFormat.KERAS, Pass.CONVERT, "A Core ML program that computes in FP32."),
    _from(ModelFormat.KERAS, Pass.FP16, "A Core ML program that computes in half precision."),
    _from(ModelFormat.SAVED_MODEL, Pass.CONVERT, "A Core ML program that computes in FP32."),
    _from(ModelFormat.SAVED_MODEL, Pass.FP16, "A Core ML program that computes in half precision."),
    _from(ModelFormat.TORCH_EXPORT, Pass.CONVERT, "A Core ML program that computes in FP32."),
    _from(
        ModelFormat.TORCH_EXPORT, Pass.FP16, "A Core ML program that computes in half precision."
    ),
    _within(
        Pass.DYNAMIC_INT8,
        "Weights as INT8, unpacked when they are used; arithmetic stays in floats.",
        ("per_channel",),
    ),
    _within(
        Pass.PALETTIZE,
        "Each weight as one of 16 values found by k-means: 4 bits a weight.",
        needs=("sklearn",),
    ),
)
