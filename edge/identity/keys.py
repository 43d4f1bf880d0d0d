"""Key pairs of the device: ECDSA on P-256, made here, kept in files of mode 0600, sent to
nobody."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from edge.home import Home, HomeError, replace_file
from edge.protocol.signed import key_id

PLACEHOLDER = "edgewise-device"
"""The common name of every signing request: the platform puts the device's own in its place."""


def new_key(home: Home) -> ec.EllipticCurvePrivateKey:
    """A new key, already kept. Raises HomeError."""
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    replace_file(key_file(home, key_id(key.public_key())), text, 0o600)
    return key


def kept_key(file: Path) -> ec.EllipticCurvePrivateKey:
    """Raises HomeError."""
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise HomeError(f"The device's key {file} cannot be read: {error}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise HomeError(f"{file} holds no ECDSA key.")
    return key


def key_file(home: Home, name: str) -> Path:
    """Of the key with this id (`edge.protocol.signed.key_id`)."""
    return home.keys / f"{name}.pem"


def unused_keys(home: Home, used: str | None) -> list[Path]:
    """Of joins and renewals that did not come to their end; newest first."""
    files = [file for file in home.keys.glob("*.pem") if file.stem != used]
    return sorted(files, key=lambda file: file.stat().st_mtime, reverse=True)


def signing_request(key: ec.EllipticCurvePrivateKey) -> str:
    """PEM (PKCS #10), self-signed, which proves that the key is held here."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, PLACEHOLDER)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode()
