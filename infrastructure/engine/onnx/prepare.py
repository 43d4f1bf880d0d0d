"""The task `onnx.prepare`: checks the source and that the datasets fit it, before any pass."""

from pathlib import Path
from typing import Any

from application.ports.engine import EngineRefusal
from domain.dataset import DatasetArray
from domain.dataset_fit import LABELS, check_against
from domain.model_format import ModelFormat
from infrastructure.engine.inspectors import signature_from
from infrastructure.engine.npz.arrays import members
from infrastructure.engine.onnx.check import checked
from infrastructure.engine.onnx.rows import NpzRows
from infrastructure.engine.onnx.signature import signature_of
from infrastructure.engine.reporting import Reporter
from infrastructure.engine.sniff import sniff

REMEDY = "Upload a dataset that was saved for this model."


def prepare(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """`{"source", "calibration" | None, "evaluation" | None}` in; `{"parameters", "nodes"}` out.
    Raises EngineRefusal; for a dataset that does not fit, its field is the dataset's."""
    with reporter.stage("check"):
        source = Path(request["source"])
        require_onnx(source)
        model = checked(source)
        signature = signature_of(model)
        for number, field in enumerate(("calibration", "evaluation")):
            if request[field] is not None:
                reporter.tick(40 + 30 * number, f"checking the {field} data")
                _check_fit(signature, Path(request[field]), field)
    return {
        "parameters": signature["parameters"],
        "nodes": sum(signature["operators"].values()),
    }


def require_onnx(file: Path) -> None:
    """Raises EngineRefusal for a format that is recognized and cannot be worked on yet."""
    found = sniff(file)
    if found is not ModelFormat.ONNX:
        raise EngineRefusal(
            "FORMAT_NOT_SUPPORTED",
            f"The artifact is {found}; only ONNX can be optimized and benchmarked here.",
            "Export the model to ONNX and upload it as a new version.",
            "artifactId",
        )


def _check_fit(signature: dict[str, Any], file: Path, field: str) -> None:
    arrays = [
        DatasetArray(member.name, str(member.dtype), member.shape) for member in members(file)
    ]
    most = None
    if any(array.name == LABELS for array in arrays):
        labels = NpzRows(file).labels()
        most = None if labels is None else int(labels.max())
    misfits = check_against(signature_from(signature), arrays, most)
    if misfits:
        told = " ".join(misfit.message for misfit in misfits[:3])
        raise EngineRefusal("DATASET_MISMATCH", told, REMEDY, field)
