"""The files of a proof: keys, checkpoints and exports, read with clear refusals, written whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from json import loads
from pathlib import Path
from tempfile import mkstemp
from typing import IO, TYPE_CHECKING

from interfaces.cli.client import unreadable
from interfaces.cli.refused import CommandRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from application.audit.checkpoint import Checkpoint


def given_key(given: str) -> "Ed25519PublicKey":
    """The public key, given itself or as a file. Raises BadCheckpoint."""
    from application.audit.checkpoint import read_public

    path = Path(given)
    try:
        return read_public(path.read_text() if path.is_file() else given)
    except (OSError, UnicodeDecodeError):
        return read_public(given)


def kept_checkpoint(path: Path, public: "Ed25519PublicKey") -> "Checkpoint":
    """The checkpoint in a file, its signature verified. Raises BadCheckpoint."""
    from application.audit.checkpoint import read_checkpoint

    with opened(path) as file:
        try:
            document = loads(file.read())
        except ValueError as error:
            raise CommandRefused("INVALID", f"{path} is no JSON: {error}", "checkpoint") from error
    return read_checkpoint(document, public)


@contextmanager
def opened(path: Path) -> Iterator[IO[str]]:
    try:
        with path.open(encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise CommandRefused("INVALID", f"{path} is no text in UTF-8.", "file") from error


@contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """A file that takes its place whole or not at all, readable by its owner."""
    try:
        descriptor, beside = mkstemp(dir=path.absolute().parent, prefix=".export-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as error:
        raise unreadable(path, error) from error
