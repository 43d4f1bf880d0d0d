"""A blob: bytes named by their sha256, inside one tenant.

The address is the content, so a blob never changes and is stored once however often it is put.
Addresses belong to a tenant: a global address would tell one tenant what another one holds.
"""

import re
from dataclasses import dataclass

from domain.refusal import invalid

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class BlobRef:
    """What was stored: its sha256 (64 lower-case hexadecimal digits) and its size in bytes."""

    sha256: str
    bytes: int


def is_sha256(value: str) -> bool:
    """Whether `value` is written as a sha256: 64 lower-case hexadecimal digits."""
    return _SHA256.fullmatch(value) is not None


def checked_sha256(value: str, where: str = "sha256") -> str:
    """The sha256 in lower case. Raises Refusal(INVALID) naming the field `where`."""
    if not is_sha256(value.lower()):
        raise invalid(where, "A sha256 has 64 hexadecimal digits. Check what you sent.")
    return value.lower()
