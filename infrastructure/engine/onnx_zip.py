"""ONNX models whose weights are in files of their own: a zip to be kept, a folder to be worked on.

An upload is one file. Before a task works on such a zip it is unpacked into the scratch folder, and
the task gets the .onnx file: the libraries find the weights beside it.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from domain.model_format import ModelFormat
from infrastructure.engine import bundle
from infrastructure.engine.refusals import model_refused
from infrastructure.engine.sniff import sniff

ZIP = b"PK"


@contextmanager
def model_in(file: Path) -> Iterator[tuple[Path, Path | None]]:
    """The .onnx file and the folder that it was unpacked into; None where it stands alone. Raises
    EngineRefusal."""
    if not _zipped(file):
        yield file, None
        return
    with bundle.unpacked(file) as folder:
        found = sorted(folder.rglob("*.onnx"))
        if len(found) != 1:
            raise model_refused(
                "INVALID_MODEL",
                f"The zip has {len(found)} .onnx files; one model is one.",
                "Zip one model with its data files, or upload the .onnx file itself.",
            )
        yield found[0], folder


@contextmanager
def unzipped(request: Mapping[str, Any], *keys: str) -> Iterator[dict[str, Any]]:
    """The request, with the .onnx file itself where one of these keys names a zip of one."""
    with ExitStack() as opened:
        plain = dict(request)
        for key in keys:
            named = plain.get(key)
            if named and _zipped(Path(named)) and sniff(Path(named)) is ModelFormat.ONNX:
                model, _ = opened.enter_context(model_in(Path(named)))
                plain[key] = str(model)
        yield plain


def _zipped(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(ZIP)) == ZIP
