"""Encryption at rest: AES-256-GCM (NIST SP 800-38D), a segment at a time.

Each opening of the log derives a key of its own from the device's (HKDF-SHA256, RFC 5869, random
salt of 16 bytes) and counts its nonces, so that none is used twice, however many segments there are
and whatever a crash undid. A segment's place (log, first number, count) is authenticated with it:
segments cannot be swapped, cut or renumbered unseen.
"""

import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from edge.home import HomeError, replace_file

SALT, NONCE, TAG = 16, 12, 16
INFO = b"edgewise event log segment"


class Damaged(ValueError):
    """What is sealed is not what was sealed here."""


class Sealer:
    """For one opening of the log, by one thread."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._salt = os.urandom(SALT)
        self._ciphers = {self._salt: self._derived(self._salt)}
        self._own = self._ciphers[self._salt]
        self._count = 0

    def seal(self, plain: bytes, place: bytes) -> bytes:
        self._count += 1
        nonce = self._count.to_bytes(NONCE, "big")
        return b"".join((self._salt, nonce, self._own.encrypt(nonce, plain, place)))

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Raises Damaged."""
        if len(sealed) < SALT + NONCE + TAG:
            raise Damaged("cut short")
        salt = bytes(sealed[:SALT])
        cipher = self._ciphers.get(salt)
        if cipher is None:
            if len(self._ciphers) > 1_000:
                self._ciphers = {self._salt: self._own}
            cipher = self._ciphers[salt] = self._derived(salt)
        try:
            return cipher.decrypt(sealed[SALT : SALT + NONCE], sealed[SALT + NONCE :], place)
        except InvalidTag:
            raise Damaged("not what was sealed") from None

    def _derived(self, salt: bytes) -> AESGCM:
        return AESGCM(HKDF(SHA256(), 32, salt, INFO).derive(self._key))


def kept_key(file: Path) -> bytes:
    """The 32 bytes in the file; made where there is none. Raises HomeError."""
    try:
        key = file.read_bytes()
    except FileNotFoundError:
        key = os.urandom(32)
        replace_file(file, key)
        return key
    except OSError as error:
        raise HomeError(f"The key of the event log {file} cannot be read: {error}") from None
    if len(key) != 32:
        raise HomeError(f"{file} holds {len(key)} bytes; the key of the event log has 32.")
    return key
