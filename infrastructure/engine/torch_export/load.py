"""Loading an exported program in PyTorch, which runs no code of its maker's.

torch.export.load unpickles the example inputs, compiles guards that are Python in text, and keeps
stack traces. None of that is in the copy that is loaded: it has the program, checked, and the raw
numbers.
"""

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import torch

from infrastructure.engine import archive
from infrastructure.engine.torch_export import archived
from infrastructure.engine.torch_export.archived import Archived
from infrastructure.engine.torch_export.safety import check

ROOT = "model"
FORMAT = {"archive_format": b"pt2", "archive_version": b"0", "byteorder": b"little"}
RECORDS = {**FORMAT, ".data/version": b"6\n"}


def loaded(file: Path) -> Any:
    """A torch.export.ExportedProgram. Raises EngineRefusal, and torch's errors for a program of
    another version."""
    model = archived.read(file)
    check(model)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.pt2"
        _copy(file, model, copy)
        return torch.export.load(copy)


def _copy(file: Path, model: Archived, target: Path) -> None:
    """Uncompressed, as torch reads it; the example inputs are empty, which stands for none."""
    texts = {f"models/{model.name}.json": _bare(model.program)}
    texts |= {entry.removeprefix(model.root): one for entry, one in model.configs.items()}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:
        for name, content in RECORDS.items():
            packed.writestr(f"{ROOT}/{name}", content)
        for name, told in texts.items():
            packed.writestr(f"{ROOT}/{name}", json.dumps(told))
        packed.writestr(f"{ROOT}/data/sample_inputs/{model.name}.pt", b"")
        for entry in dict.fromkeys(one.entry for one in model.payloads):
            _copy_numbers(file, entry, packed, f"{ROOT}/{entry.removeprefix(model.root)}")


def _copy_numbers(file: Path, entry: str, packed: zipfile.ZipFile, name: str) -> None:
    size = {one.filename: one.file_size for one in archive.entries(file)}[entry]
    packed.writestr(name, archive.content(file, entry, size))


def _bare(told: Any) -> Any:
    """Without guards, and without metadata, whose text torch would resolve to functions."""
    if isinstance(told, list):
        return [_bare(one) for one in told]
    if not isinstance(told, dict):
        return told
    empty: dict[str, Any] = {"guards_code": [], "metadata": {}}
    return {key: empty[key] if key in empty else _bare(one) for key, one in told.items()}
