"""CONVERT: a Keras model as TFLite in FP32."""

from pathlib import Path

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.keras.load import loaded
from infrastructure.engine.pass_contract import Progress, Rows
from infrastructure.engine.tensorflow.frozen import frozen_keras, use_threads
from infrastructure.engine.tensorflow.to_tflite import ROWS, to_tflite
from infrastructure.engine.threads import default_threads


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped for operators that TFLite does not have, EngineRefusal."""
    use_threads(default_threads(spec.threads))
    report.tick(5, "loading the model")
    frozen = frozen_keras(loaded(source), ROWS)
    report.tick(40, "writing TFLite")
    return to_tflite(frozen, target)
