"""The two files of an OpenVINO model in the one zip that they are kept in."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from zipfile import ZipInfo

from application.ports.engine import EngineRefusal
from infrastructure.engine import archive
from infrastructure.engine.bundle import unpacked
from infrastructure.engine.openvino import document
from infrastructure.engine.refusals import model_refused

REMEDY = "Save the model again: openvino.save_model(model, “model.xml”), and push the .xml."


def pair(file: Path) -> tuple[ZipInfo, ZipInfo]:
    """The network and its weights: one of each, of the same name. Raises EngineRefusal."""
    entries = {entry.filename: entry for entry in archive.entries(file)}
    documents = [name for name in entries if name.endswith(".xml")]
    if len(documents) != 1:
        raise invalid(f"The zip has {len(documents)} .xml files; one model is one.")
    (name,) = documents
    weights = str(PurePosixPath(name).with_suffix(".bin"))
    if weights not in entries:
        raise model_refused(
            "WEIGHTS_MISSING",
            f"The zip has {name[:80]} and not {weights[:80]}.",
            "Push the .xml with its .bin beside it, under the names that OpenVINO gave them.",
        )
    return entries[name], entries[weights]


def net_of(file: Path) -> document.Element:
    """The network alone, its weights left where they are. Raises EngineRefusal."""
    xml, _ = pair(file)
    try:
        return document.parsed(archive.content(file, xml.filename, document.MOST_BYTES))
    except document.Unreadable as error:
        raise invalid(f"Its {xml.filename[:80]} cannot be read: {error}.") from error


@contextmanager
def in_bundle(file: Path) -> Iterator[tuple[Path, Path]]:
    """Both files, unpacked for the time being. Raises EngineRefusal."""
    xml, weights = pair(file)
    with unpacked(file) as folder:
        yield folder / xml.filename, folder / weights.filename


def invalid(message: str) -> EngineRefusal:
    return model_refused("INVALID_MODEL", message, REMEDY)
