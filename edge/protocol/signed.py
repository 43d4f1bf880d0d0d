"""Signed statements, as DSSE envelopes: `{payloadType, payload, signatures: [{keyid, sig}]}`.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md: what is signed is PAE(type,
payload), so that a statement of one kind cannot pass for one of another. The platform signs with
Ed25519, a device with the ECDSA P-256 key of its certificate. A statement names the device that it
is for: none can be played to another.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.protocol.envelope import BadEnvelope, plain_json

COMMAND = "application/vnd.edgewise.command.v1+json"
CLOCK = "application/vnd.edgewise.clock.v1+json"
OFFER = "application/vnd.edgewise.offer.v1+json"
TRUSTED_ROOT = "application/vnd.edgewise.trusted-root.v1+json"
CALL = "application/vnd.edgewise.call.v1+json"
"""What a device signs to be let in over HTTPS: see `edge.protocol.calls`."""

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey
PublicKey = Ed25519PublicKey | EllipticCurvePublicKey


class NotSigned(ValueError):
    """The statement is not signed by that key, or not of that kind."""


def key_id(key: PublicKey) -> str:
    """sha256 of the public key (SubjectPublicKeyInfo, DER), hexadecimal."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    return digest.finalize().hex()


def signed(kind: str, statement: Mapping[str, Any], key: PrivateKey) -> dict[str, Any]:
    """The statement, signed."""
    payload = json.dumps(statement, allow_nan=False, separators=(",", ":")).encode()
    message = _pae(kind, payload)
    if isinstance(key, Ed25519PrivateKey):
        signature = key.sign(message)
    else:
        signature = key.sign(message, ECDSA(hashes.SHA256()))
    return {
        "payloadType": kind,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}
        ],
    }


def opened(kind: str, envelope: Mapping[str, Any], key: PublicKey) -> dict[str, Any]:
    """The statement, when it is of this kind and signed by this key. Raises NotSigned."""
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        given = [base64.b64decode(one["sig"], validate=True) for one in envelope["signatures"]]
    except (KeyError, TypeError, ValueError):
        raise NotSigned("this is no signed statement") from None
    if envelope.get("payloadType") != kind:
        raise NotSigned(f"a statement of another kind than {kind}")
    if not any(_holds(key, signature, _pae(kind, payload)) for signature in given[:4]):
        raise NotSigned("the signature is not of the key that is trusted here")
    try:
        return plain_json(payload)
    except BadEnvelope as error:
        raise NotSigned(f"what is signed is no statement: {error}") from None


def _holds(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        else:
            key.verify(signature, message, ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _pae(kind: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(payload), payload)
