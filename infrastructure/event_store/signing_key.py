"""The key that signs checkpoints: Ed25519, in a PEM file that only its owner may read.

Made on first use. Two processes that start at once agree, and a crash leaves no half of a key: it
is written beside its place and then linked there.
"""

import os
import tempfile
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


class BadKeyFile(ValueError):
    """The file has no Ed25519 private key in it."""


def signing_key(path: Path, *, make: bool) -> Ed25519PrivateKey:
    """The key in this file. Raises BadKeyFile, and FileNotFoundError unless it may be made."""
    if make and not path.exists():
        _make(path)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKeyFile(f"{path} has no private key that can be read: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKeyFile(f"{path} has a key of another kind; make one with Ed25519.")
    return key


def _make(path: Path) -> None:
    made = Ed25519PrivateKey.generate()
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".key-")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)
    except FileExistsError:
        pass  # another process was first
    finally:
        os.unlink(beside)
