"""The agent's folder: what is in it, and how a file in it is replaced without ever being half
there.

A file is written beside, synced, renamed over the old one, and the folder is synced: after a crash
or a power cut there is the old content or the new, never a mixture. Keys have mode 0600, the folder
0700.
"""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEFAULT = "~/.edgewise-edge"


class HomeError(RuntimeError):
    """The folder cannot be used; the message says why, and what to do."""


class Home:
    """The files of one agent. Two agents never run in one home (`locked`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.identity = path / "identity.json"
        self.keys = path / "keys"
        self.configuration = path / "edge.toml"
        self.log = path / "agent.log"
        self.state = path / "state.db"
        self.events = path / "events.db"
        self.events_key = path / "events.key"
        self.models = path / "models"
        self.slots = path / "slots"
        self.updates = path / "update.json"
        self.trust = path / "trust"
        self.socket = path / "agent.sock"

    @classmethod
    def at(cls, path: str | Path) -> "Home":
        """Made when missing. Raises HomeError."""
        folder = Path(path).expanduser().absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if folder.stat().st_uid == os.geteuid():
                folder.chmod(0o700)
        except OSError as error:
            raise HomeError(f"The home {folder} cannot be made: {reason(error)}") from None
        return cls(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Raises HomeError while another process holds it."""
        with (self.path / "agent.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise HomeError(
                    f"Another agent already runs in {self.path}. Stop it, or use another --home."
                ) from None
            yield


def replace_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """The new content, durable, or the old one. Raises HomeError."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise HomeError(f"{path} cannot be written: {reason(error)}") from None


def sync_folder(folder: Path) -> None:
    """Makes renames and new files in it durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_full(error: OSError) -> bool:
    """Whether there is no room: on the disk, in a quota, or for so large a file."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def reason(error: OSError) -> str:
    """In words for people, with the remedy where it is known."""
    if is_full(error):
        return "the disk is full; free some space and try again"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "this user may not; run as the user that owns the home, or choose another --home"
    if error.errno == errno.EROFS:
        return "the file system is read-only"
    return os.strerror(error.errno) if error.errno else str(error)
