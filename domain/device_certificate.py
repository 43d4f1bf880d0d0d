"""The certificate by which a device is known at the broker."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Certificate:
    """`serial` and `key_id` (sha256 of the public key) are hexadecimal."""

    serial: str
    key_id: str
    not_after: datetime
