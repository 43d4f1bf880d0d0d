"""The key that signs: Ed25519, in a PEM file that only its owner may read, made on first use."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from infrastructure.private_file import made_once


class BadKeyFile(ValueError):
    """The file has no Ed25519 private key in it."""


def signing_key(path: Path, *, make: bool) -> Ed25519PrivateKey:
    """The key in this file. Raises BadKeyFile, and FileNotFoundError unless it may be made."""
    pem = made_once(path, _new_key) if make else path.read_bytes()
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKeyFile(f"{path} has no private key that can be read: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKeyFile(f"{path} has a key of another kind; make one with Ed25519.")
    return key


def _new_key() -> bytes:
    made = Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
