"""The task `prepare`: checks the source and that the datasets fit it, before any pass."""

from pathlib import Path
from typing import Any

from application.ports.engine import EngineRefusal
from domain.dataset import DatasetArray
from domain.dataset_fit import check_against
from domain.declared import formats
from domain.model_format import ModelFormat
from infrastructure.engine.inspect_model import inspector_of
from infrastructure.engine.inspectors import signature_from
from infrastructure.engine.npz.arrays import members
from infrastructure.engine.proof.rows import NpzRows
from infrastructure.engine.reporting import Reporter
from infrastructure.engine.sniff import sniff

REMEDY = "Upload a dataset that was saved for this model."


def prepare(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """`{"source", "calibration" | None, "evaluation" | None, "classes"}` in (whether labels are
    classes of the model); `{"format", "parameters", "nodes"}` out. Raises EngineRefusal; for a
    dataset that does not fit, its field is the dataset's."""
    with reporter.stage("check"):
        source = Path(request["source"])
        found = sniff(source)
        signature = _signature(source, found)
        for number, field in enumerate(("calibration", "evaluation")):
            if request[field] is not None:
                reporter.tick(40 + 30 * number, f"checking the {field} data")
                _check_fit(signature, Path(request[field]), field, request.get("classes", True))
    return {
        "format": found,
        "parameters": signature["parameters"],
        "nodes": sum(signature["operators"].values()),
    }


def _signature(file: Path, found: ModelFormat) -> dict[str, Any]:
    """Raises EngineRefusal for a format that is recognized and cannot be worked on."""
    if found not in formats():
        can = " and ".join(formats())
        raise EngineRefusal(
            "FORMAT_NOT_SUPPORTED",
            f"The artifact is {found}; {can} can be optimized and benchmarked here.",
            "Export the model to ONNX and upload it as a new version.",
            "artifactId",
        )
    signature: dict[str, Any] = inspector_of(found)(file)["signature"]
    return signature


def _check_fit(signature: dict[str, Any], file: Path, field: str, classes: bool) -> None:
    """`classes`: labels that are one integer a row are classes of the model."""
    arrays = [
        DatasetArray(member.name, str(member.dtype), member.shape) for member in members(file)
    ]
    labels = NpzRows(file).labels() if classes else None
    most = None if labels is None else int(labels.max())
    misfits = check_against(signature_from(signature), arrays, most)
    if misfits:
        told = " ".join(misfit.message for misfit in misfits[:3])
        raise EngineRefusal("DATASET_MISMATCH", told, REMEDY, field)
