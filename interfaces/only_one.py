"""One `edgewise up` for one folder: a second one would stop the first one's database under it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(RuntimeError):
    """Another process runs on this folder; the message says which."""


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Holds the folder until the block or the process ends, however it ends.

    Raises AlreadyRunning."""
    with (home / "running").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunning(
                f"Edgewise runs on {home} already (process {file.read().strip() or 'unknown'}). "
                "Stop it first, or set EDGEWISE_HOME to another folder."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
