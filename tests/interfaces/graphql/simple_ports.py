"""Ports that answer at once: flags with switches, inspectors that find the same in every file."""

from pathlib import Path
from uuid import UUID

from application.ports.engine import ArrayFacts, DatasetInspection, Inspection
from domain.flag import Flag
from domain.model_format import ModelFormat
from domain.signature import Signature, TensorSpec

SIGNATURE = Signature(
    (TensorSpec("x", "float32", ("batch", 4)),), (TensorSpec("y", "float32", ("batch", 2)),), 10, 17
)


class SwitchedFlags:
    """Every flag is on but those in `off`."""

    def __init__(self) -> None:
        self.off: set[Flag] = set()

    def enabled(self, flag: Flag, tenant_id: UUID) -> bool:
        return flag not in self.off


class OnnxInspector:
    """Takes every file for the same small ONNX model."""

    def inspect(self, file: Path) -> Inspection:
        return Inspection(ModelFormat.ONNX, SIGNATURE, (), "none")


class ArraysInspector:
    """Takes every file for the same eight rows of data."""

    def inspect(self, file: Path) -> DatasetInspection:
        return DatasetInspection(
            8, (ArrayFacts("x", "float32", (8, 4), 0.0, 1.0, 0, 0),), None, "none"
        )
