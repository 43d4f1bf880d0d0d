"""The layers that read a model's inputs, whichever format it has."""

from pathlib import Path

from domain.model_format import ModelFormat
from infrastructure.engine.ranges.first_layer import FirstLayer
from infrastructure.engine.sniff import sniff


def first_layers(file: Path) -> tuple[FirstLayer, ...]:
    """None for a format whose layers are not read here."""
    found = sniff(file)
    if found is ModelFormat.ONNX:
        from infrastructure.engine.onnx import first_layers as onnx_layers

        return onnx_layers.first_layers(file)
    if found is ModelFormat.TFLITE:
        from infrastructure.engine.litert import first_layers as litert_layers

        return litert_layers.first_layers(file)
    return ()
