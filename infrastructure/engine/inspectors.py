"""The ports that read files, carried out in the sandbox."""

import tempfile
from pathlib import Path

from application.ports.engine import ArrayFacts, DatasetInspection, Inspection
from domain.model_format import ModelFormat
from domain.signature import Signature, TensorSpec
from infrastructure.engine.brought_down import told_of_the_model
from infrastructure.engine.limits import GIB, Limits
from infrastructure.engine.refusals import FIELD
from infrastructure.engine.sandbox import Sandbox

INSPECTION_SECONDS = 300.0


class SandboxedModelInspector:
    """Any model format. Scratch folders are made in `scratch`, or with the system's others."""

    def __init__(
        self, sandbox: Sandbox, scratch: Path | None = None, memory_bytes: int = 6 * GIB
    ) -> None:
        self._sandbox, self._scratch = sandbox, scratch
        self._limits = Limits(INSPECTION_SECONDS, memory_bytes)

    def inspect(self, file: Path) -> Inspection:
        file = file.resolve()
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder, told_of_the_model(FIELD):
            answer = self._sandbox.run(
                "inspect", {"file": str(file)}, Path(folder), limits=self._limits, reads=(file,)
            )
        found, signature = answer.result, answer.result["signature"]
        return Inspection(
            format=ModelFormat(found["format"]),
            signature=None if signature is None else signature_from(signature),
            warnings=tuple(found["warnings"]),
            isolation=answer.isolation,
        )


class SandboxedDatasetInspector:
    """.npz files."""

    def __init__(
        self, sandbox: Sandbox, scratch: Path | None = None, memory_bytes: int = 2 * GIB
    ) -> None:
        self._sandbox, self._scratch = sandbox, scratch
        self._limits = Limits(INSPECTION_SECONDS, memory_bytes)

    def inspect(self, file: Path) -> DatasetInspection:
        file = file.resolve()
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            answer = self._sandbox.run(
                "inspect_dataset",
                {"file": str(file)},
                Path(folder),
                limits=self._limits,
                reads=(file,),
            )
        found = answer.result
        arrays = tuple(
            ArrayFacts(**{**array, "shape": tuple(array["shape"])}) for array in found["arrays"]
        )
        return DatasetInspection(found["rows"], arrays, found["label_counts"], answer.isolation)


def signature_from(data: dict[str, object]) -> Signature:
    """From an engine process's plain JSON."""
    plain = dict(data)
    for side in ("inputs", "outputs"):
        specs = plain[side]
        assert isinstance(specs, list)
        plain[side] = tuple(
            TensorSpec(one["name"], one["dtype"], tuple(one["shape"])) for one in specs
        )
    return Signature(**plain)  # type: ignore[arg-type]
