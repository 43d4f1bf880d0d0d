"""Loading a model file: parsed, without following paths out of it."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from infrastructure.engine.refusals import model_refused, not_a_model

MOST_BYTES = 2**31 - 1


def parsed(file: Path) -> onnx.ModelProto:
    """The model, external data not followed. Raises EngineRefusal(NOT_A_MODEL | TOO_LARGE)."""
    size = file.stat().st_size
    if size > MOST_BYTES:
        raise model_refused(
            "TOO_LARGE",
            f"The file has {size:,} bytes; one ONNX file can have {MOST_BYTES:,} (protobuf's "
            "limit).",
            "Store the weights as FP16, or upload a smaller model.",
        )
    try:
        return onnx.load(str(file), format="protobuf", load_external_data=False)
    except (DecodeError, ValueError, UnicodeDecodeError) as error:
        raise not_a_model(
            f"It looks like ONNX, and its content cannot be read ({error}).",
            "It may have been damaged on the way. Export and upload it again.",
        ) from error
