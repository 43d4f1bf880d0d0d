"""An .mlpackage as one zip: written so that the same model gives the same bytes, and read again.

    model.mlpackage/Manifest.json                     what is where, under identifiers
    model.mlpackage/Data/com.apple.CoreML/model.mlmodel, weights/weight.bin
coremltools draws the identifiers at random; here each is made from the path that it stands for. It
also notes the day of the conversion, and writes maps in whatever order they have; neither is kept.
"""

import json
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import coremltools
from coremltools.proto import Model_pb2

from infrastructure.engine.bundle import pack, unpacked
from infrastructure.engine.refusals import not_a_model

NAME = "model.mlpackage"
DAY = "com.github.apple.coremltools.conversion_date"


def write(model: Any, target: Path) -> None:
    """`model` is coremltools' MLModel."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / NAME
        model.save(str(package))
        _name_by_path(package / "Manifest.json")
        for program in sorted(package.rglob("*.mlmodel")):
            _settle(program)
        pack(Path(folder), target)


@contextmanager
def opened(file: Path) -> Iterator[Any]:
    """coremltools' MLModel, not loaded into Core ML. Raises EngineRefusal."""
    with unpacked(file) as folder:
        manifest = next(iter(sorted(folder.rglob("Manifest.json"))), None)
        if manifest is None:
            raise not_a_model("The zip has no Manifest.json.", "Zip the whole .mlpackage folder.")
        yield coremltools.models.MLModel(str(manifest.parent), skip_model_load=True)


def operators(model: Any) -> Counter[str]:
    """How often each operation is in the program; empty for an older kind of network."""
    functions = model.get_spec().mlProgram.functions.values()
    return Counter(
        one.type
        for function in functions
        for block in function.block_specializations.values()
        for one in block.operations
    )


def _settle(program: Path) -> None:
    spec = Model_pb2.Model.FromString(program.read_bytes())
    spec.description.metadata.userDefined.pop(DAY, None)
    program.write_bytes(spec.SerializeToString(deterministic=True))


def _name_by_path(manifest: Path) -> None:
    told = json.loads(manifest.read_text())
    entries = told["itemInfoEntries"]
    named = {old: str(uuid.uuid5(uuid.NAMESPACE_URL, one["path"])) for old, one in entries.items()}
    told["itemInfoEntries"] = {
        named[old]: one for old, one in sorted(entries.items(), key=lambda pair: named[pair[0]])
    }
    told["rootModelIdentifier"] = named[told["rootModelIdentifier"]]
    manifest.write_text(json.dumps(told, indent=4))
