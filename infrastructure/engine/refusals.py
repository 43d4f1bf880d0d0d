"""The one place where the engine's refusals are made: a stable code, what was found, what to do."""

from application.ports.engine import EngineRefusal

FIELD = "uploadId"
REFERENCE_FIELD = "referenceId"
EXPORT_REMEDY = (
    "Export the model to ONNX and upload the .onnx file; from PyTorch: "
    "torch.onnx.export(model, example, “model.onnx”)."
)
PT2_REMEDY = (
    "For Core ML upload what torch.export.save(torch.export.export(model, (example,)), "
    "“model.pt2”) writes."
)
SKOPS_REMEDY = (
    "A model of scikit-learn is saved without a pickle by skops.io.dump(model, “model.skops”): "
    "upload that."
)


def model_refused(code: str, message: str, remedy: str) -> EngineRefusal:
    return EngineRefusal(code, message, remedy, FIELD)


def not_a_model(message: str, remedy: str = EXPORT_REMEDY) -> EngineRefusal:
    return model_refused("NOT_A_MODEL", message, remedy)


def unsafe_archive(
    message: str, remedy: str = "Pack it again, with the plain files of the model only."
) -> EngineRefusal:
    return model_refused("UNSAFE_ARCHIVE", message, remedy)


def dataset_refused(message: str, remedy: str, array: str | None = None) -> EngineRefusal:
    """`array` is the one at fault, if one is."""
    return EngineRefusal("DATASET_REFUSED", message, remedy, array)
