"""How a device is let in over HTTPS: `Authorization: Edgewise-Device <base64 of a signed CALL>`.

Like a DPoP proof (RFC 9449): the statement names the device, the serial number of its certificate,
method, path, the time and a random id; it is signed with the key of that certificate, which stands
beside it as `key`, holds for CALL_SECONDS, and is taken once. Joining needs none of it, but a claim
code:

`POST /devices/join` `{"code", "csr" (PEM), "facts": {…}}` →
`{"tenant", "device", "name", "certificate" (PEM chain), "authorities" (PEM: what to trust),
"statement_key" (PEM: who signs statements), "broker": {"url", …}, "server_time": …,
"trusted_root": {…} (TUF's root metadata, the newest; null where it cannot be signed just now)}`.
The same code with the same key gives the same device again, so that a join can be repeated.

`POST /devices/certificate` (a call) `{"csr"}` → `{"certificate"}`: the next one, for a new key.
`GET /devices/artifacts/{id}` (a call): the bytes of an artifact, with ranges.
`GET /devices/tuf/{file}` (a call): TUF metadata of the device's tenant, by its name in a repository
of consistent snapshots: `timestamp.json`, `3.root.json`, `7.snapshot.json`, `7.targets.json`.
`GET /devices/targets/{sha256}` (a call): the bytes of a published target, with ranges.
`GET /devices/trusted-root` (a call): the newest root again, as a statement (TRUSTED_ROOT:
`{"tenant", "device", "root"}`), for a device that joined before there was one, or lost it. The
statement key was pinned at the join, so no TLS is needed for it. A replayed one is an older root of
the same tenant, from which the chain leads to the newest. A device that has a root never asks:
whoever holds the statement key alone must not replace it.
`PUT /devices/logs/{command}` (a call): what COLLECT_LOGS asked for, LOG_BYTES at most →
`{"sha256", "bytes"}`, which is also what the command is answered with.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from edge.protocol.signed import (
    CALL,
    TRUSTED_ROOT,
    NotSigned,
    PrivateKey,
    PublicKey,
    opened,
    signed,
)
from edge.protocol.topics import Address, address_of

SCHEME = "Edgewise-Device"
CALL_SECONDS = 300.0
LOG_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Call:
    """`serial` is hexadecimal; `time` is the platform's, in seconds since 1970."""

    address: Address
    serial: str
    method: str
    path: str
    time: float
    id: str

    @classmethod
    def of(cls, statement: Mapping[str, Any]) -> "Call":
        """Raises NotSigned."""
        try:
            return cls(
                address_of(statement["device"]),
                str(statement["serial"]),
                str(statement["method"]),
                str(statement["path"]),
                float(statement["time"]),
                str(statement["id"]),
            )
        except (KeyError, ValueError, TypeError, AttributeError):
            raise NotSigned("no call of a device") from None


def authorization(
    address: Address,
    serial: str,
    method: str,
    path: str,
    time: float,
    key: EllipticCurvePrivateKey,
) -> str:
    """The header's value."""
    statement = {
        "device": address.user_name,
        "serial": serial,
        "method": method,
        "path": path,
        "time": time,
        "id": secrets.token_urlsafe(16),
    }
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    document = {**signed(CALL, statement, key), "key": base64.b64encode(der).decode()}
    text = json.dumps(document, separators=(",", ":")).encode()
    return f"{SCHEME} {base64.b64encode(text).decode()}"


def called(header: str) -> tuple[Call, EllipticCurvePublicKey]:
    """Who calls what, and the key that signed it: whether that key is the device's is for the
    caller to find out. Raises NotSigned."""
    scheme, _, text = header.partition(" ")
    try:
        document = json.loads(base64.b64decode(text, validate=True))
        key = load_der_public_key(base64.b64decode(document["key"], validate=True))
    except (ValueError, TypeError, KeyError, RecursionError, UnsupportedAlgorithm):
        raise NotSigned("the Authorization header holds no signed call") from None
    if scheme != SCHEME or not isinstance(key, EllipticCurvePublicKey):
        raise NotSigned("the Authorization header holds no signed call")
    return Call.of(opened(CALL, document, key)), key


def root_statement(address: Address, root: bytes, key: PrivateKey) -> dict[str, Any]:
    """The answer of `GET /devices/trusted-root`."""
    statement = {
        "tenant": str(address.tenant),
        "device": str(address.device),
        "root": root.decode(),
    }
    return signed(TRUSTED_ROOT, statement, key)


def root_of(answer: Mapping[str, Any], address: Address, key: PublicKey) -> bytes:
    """The root in that answer, for this device. Raises NotSigned."""
    statement = opened(TRUSTED_ROOT, answer, key)
    if (statement.get("tenant"), statement.get("device")) != (
        str(address.tenant),
        str(address.device),
    ):
        raise NotSigned("a root for another device")
    root = statement.get("root")
    if not isinstance(root, str):
        raise NotSigned("a statement without a root")
    return root.encode()
