"""CONVERT: a model of scikit-learn as ONNX, by skl2onnx.

scikit-learn computes in FP64 where ONNX computes in FP32, so answers near a border can differ: the
comparison with the source says how often.
"""

from pathlib import Path
from typing import Any

import skl2onnx
import sklearn
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator
from sklearn.base import is_classifier

from domain.optimization_spec import OptimizationSpec
from infrastructure.engine.onnx import graph
from infrastructure.engine.pass_contract import PassSkipped, Progress, Rows
from infrastructure.engine.skops.inspect import INPUT
from infrastructure.engine.skops.load import loaded

GRAPH_NAME = "scikit-learn"


def apply(
    source: Path, target: Path, spec: OptimizationSpec, data: Rows | None, report: Progress
) -> str:
    """Raises PassSkipped for an estimator that skl2onnx has no converter for, EngineRefusal for a
    file that cannot be loaded safely."""
    report.tick(10, "loading the model")
    model, features = loaded(source)
    report.tick(40, "converting to ONNX")
    options: dict[str, Any] = {"zipmap": False} if is_classifier(model) else {}
    try:
        made = skl2onnx.to_onnx(
            model,
            initial_types=[(INPUT, FloatTensorType([None, features]))],
            options=options,
            name=GRAPH_NAME,
        )
    except (MissingConverter, MissingShapeCalculator) as error:
        raise PassSkipped(
            "NO_CONVERTER",
            f"skl2onnx {skl2onnx.__version__} cannot convert it: "
            f"{' '.join(str(error).split())[:300]}",
        ) from error
    target.write_bytes(made.SerializeToString(deterministic=True))
    count = sum(graph.operators(made).values())
    return f"{type(model).__name__} of scikit-learn {sklearn.__version__} as {count:,} ONNX nodes."
