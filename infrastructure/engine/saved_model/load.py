"""The folder of a SavedModel inside its zip."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infrastructure.engine.bundle import unpacked
from infrastructure.engine.refusals import model_refused

GRAPH_FILE = "saved_model.pb"


@contextmanager
def folder_of(file: Path) -> Iterator[Path]:
    """Unpacked for as long as it is needed. Raises EngineRefusal where the zip has none, or more
    than one."""
    with unpacked(file) as there:
        found = sorted(there.rglob(GRAPH_FILE))
        if len(found) != 1:
            raise model_refused(
                "INVALID_MODEL",
                f"The zip has {len(found)} SavedModels.",
                "Zip one model's folder.",
            )
        yield found[0].parent
