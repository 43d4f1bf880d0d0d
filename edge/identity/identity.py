"""What a joined device knows of itself and of its platform: one file, replaced as a whole.

It names the key by its id, so that key and certificate change together: the new key's file is there
before the identity that names it.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from edge.home import Home, HomeError, replace_file
from edge.identity.keys import kept_key, key_file
from edge.protocol.signed import PublicKey, key_id
from edge.protocol.topics import Address


class NotJoined(HomeError):
    """There is no identity in this home yet."""


@dataclass(frozen=True, slots=True)
class Identity:
    """`certificate` and `authorities` are PEM; `server` is the platform's URL; `code_digest` is the
    sha256 of the claim code that this device joined with; `server_time` in seconds since 1970."""

    tenant: str
    device: str
    name: str
    server: str
    broker: str
    certificate: str
    authorities: str
    statement_key: str
    key: str
    server_time: float
    code_digest: str

    @property
    def address(self) -> Address:
        return Address(UUID(self.tenant), UUID(self.device))

    @property
    def leaf(self) -> x509.Certificate:
        return x509.load_pem_x509_certificates(self.certificate.encode())[0]

    @property
    def serial(self) -> str:
        """Hexadecimal."""
        return f"{self.leaf.serial_number:x}"

    @property
    def valid(self) -> tuple[datetime, datetime]:
        return self.leaf.not_valid_before_utc, self.leaf.not_valid_after_utc

    @property
    def platform_key(self) -> PublicKey:
        """Who signs statements."""
        key = load_pem_public_key(self.statement_key.encode())
        if not isinstance(key, Ed25519PublicKey):
            raise HomeError("The platform's statement key is no Ed25519 key. Join again.")
        return key

    def renewed(self, certificate: str, key: EllipticCurvePrivateKey) -> "Identity":
        return replace(self, certificate=certificate, key=key_id(key.public_key()))

    def problem(self) -> str | None:
        """What is wrong with what the platform sent, or None."""
        try:
            leaf, _, _ = self.leaf, self.address, self.platform_key
            x509.load_pem_x509_certificates(self.authorities.encode())
        except (ValueError, HomeError) as error:
            return f"it cannot be read: {error}"
        public = leaf.public_key()
        if not isinstance(public, EllipticCurvePublicKey) or key_id(public) != self.key:
            return "the certificate is not for the key of this device"
        return None


def load(home: Home) -> tuple[Identity, EllipticCurvePrivateKey]:
    """Raises NotJoined, HomeError."""
    try:
        document = json.loads(home.identity.read_bytes())
        identity = Identity(**document)
    except FileNotFoundError:
        raise NotJoined(
            f"{home.path} holds no device yet. Join first: edgewise-edge join CODE --server URL"
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise HomeError(f"{home.identity} cannot be read: {error}. Join again.") from None
    return identity, kept_key(key_file(home, identity.key))


def store(home: Home, identity: Identity) -> None:
    """Raises HomeError."""
    replace_file(home.identity, json.dumps(asdict(identity), indent=1).encode())


def certificate_file(home: Home, identity: Identity) -> Path:
    """The chain in a file of its own, which OpenSSL wants. Raises HomeError."""
    file = home.keys / f"{identity.key}.crt"
    if not file.exists() or file.read_text() != identity.certificate:
        replace_file(file, identity.certificate.encode())
    return file
