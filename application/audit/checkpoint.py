"""A checkpoint: a signed statement of what the log was at one moment.

Whoever keeps one can tell later whether anything before it was changed, removed or put in, also by
somebody who had every right on the database and made all hashes anew. It is a JSON object:

    {"count": 7, "format": "edgewise.checkpoint.1", "hash": "<hex>", "key": "<id>", "position": 9,
     "signature": "<base64>", "tenant": null, "time": "<UTC>"}

`position` and `hash` are those of the last event (0 and zeros when there is none), `count` how many
events there are up to it, `tenant` null for the whole log. `key` is the first half of the SHA-256
of the public key, in hex. The signature is Ed25519 over the ASCII bytes of the object without
`signature`, its keys sorted, without spaces.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from application.audit.chain import NO_HASH

FORMAT = "edgewise.checkpoint.1"
_KEY_PREFIX = "ed25519:"


class BadCheckpoint(ValueError):
    """A checkpoint or key that cannot be read or is not authentic; the message says the remedy."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the log, or a tenant's part of it, was at one moment."""

    position: int
    hash: bytes
    count: int
    time: datetime
    tenant_id: UUID | None = None

    def signed(self, key: Ed25519PrivateKey) -> dict[str, Any]:
        """As it is handed out."""
        plain: dict[str, Any] = {
            "format": FORMAT,
            "tenant": None if self.tenant_id is None else str(self.tenant_id),
            "position": self.position,
            "hash": self.hash.hex(),
            "count": self.count,
            "time": self.time.astimezone(UTC).isoformat(),
            "key": key_id(key.public_key()),
        }
        signature = key.sign(_canonical(plain))
        return plain | {"signature": base64.b64encode(signature).decode()}


def nothing_yet(time: datetime, tenant_id: UUID | None = None) -> Checkpoint:
    """The checkpoint of an empty log."""
    return Checkpoint(0, NO_HASH, 0, time, tenant_id)


def read_checkpoint(document: object, key: Ed25519PublicKey) -> Checkpoint:
    """The checkpoint, once its signature is found to be by `key`. Raises BadCheckpoint."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadCheckpoint(f"This is no checkpoint: its format is not “{FORMAT}”.")
    signed = {name: value for name, value in document.items() if name != "signature"}
    if signed.get("key") != key_id(key):
        raise BadCheckpoint(
            f"The checkpoint was signed with the key {signed.get('key')}, and the key given is "
            f"{key_id(key)}. Give the public key of the installation that made it."
        )
    try:
        signature = base64.b64decode(document["signature"], validate=True)
        key.verify(signature, _canonical(signed))
        return Checkpoint(
            position=int(signed["position"]),
            hash=bytes.fromhex(signed["hash"]),
            count=int(signed["count"]),
            time=datetime.fromisoformat(signed["time"]),
            tenant_id=None if signed["tenant"] is None else UUID(signed["tenant"]),
        )
    except (InvalidSignature, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadCheckpoint(
            "The checkpoint's signature is not by that key: it was changed, or forged."
        ) from error


def public_text(key: Ed25519PublicKey) -> str:
    """The public key as people pass it on: `ed25519:` and base64."""
    return _KEY_PREFIX + base64.b64encode(key.public_bytes_raw()).decode()


def read_public(text: str) -> Ed25519PublicKey:
    """The key that `public_text` wrote. Raises BadCheckpoint."""
    try:
        raw = base64.b64decode(text.strip().removeprefix(_KEY_PREFIX), validate=True)
        return Ed25519PublicKey.from_public_bytes(raw)
    except (ValueError, binascii.Error) as error:
        raise BadCheckpoint(
            f"“{text.strip()[:60]}” is no public key: give `{_KEY_PREFIX}` and 44 characters of "
            "base64, as `edgewise events key` prints it."
        ) from error


def key_id(key: Ed25519PublicKey) -> str:
    return sha256(key.public_bytes_raw()).hexdigest()[:32]


def _canonical(plain: dict[str, Any]) -> bytes:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
