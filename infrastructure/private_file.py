"""A secret in a file that only its owner may read, made on first use.

Two processes that start at once agree, and a crash leaves no half of it: it is written beside its
place and then linked there.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from infrastructure.blobs.durable_files import sync_folder


def made_once(path: Path, make: Callable[[], bytes]) -> bytes:
    """What the file holds; where there is none, `make` says what it shall hold."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)
    except FileExistsError:
        pass  # another process was first
    finally:
        os.unlink(beside)
    sync_folder(path.parent)
    return path.read_bytes()


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Readers find the old content or the new, whole, even after a power cut."""
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise
    sync_folder(path.parent)
