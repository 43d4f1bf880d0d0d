"""A platform of its own for a benchmark: embedded PostgreSQL in a folder that goes afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from interfaces.bootstrap import Installation, stop_embedded
from interfaces.first_key import Credentials, ensure_first_key
from interfaces.settings import Settings, read_settings


@contextmanager
def temporary_installation(**changes: object) -> Iterator[tuple[Installation, Credentials]]:
    """An installation whose tables are migrated and which has its first key.

    PostgreSQL runs with its defaults: an acknowledged commit is on the disk."""
    folder = Path(tempfile.mkdtemp(prefix="edgewise-bench-"))
    folder.chmod(0o755)  # embedded PostgreSQL gives up root's rights and must pass through
    settings: Settings = replace(read_settings({"EDGEWISE_HOME": str(folder / "home")}), **changes)  # type: ignore[arg-type]
    try:
        installation = Installation.of(settings)
        try:
            installation.migrate()
            yield installation, ensure_first_key(installation.platform, settings.home, settings.url)
        finally:
            installation.close()
    finally:
        stop_embedded(settings)
        shutil.rmtree(folder, ignore_errors=True)
