"""The authority in a folder: made once, kept to oneself, or one's own."""

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from infrastructure.pki.files import BadAuthority, file_authority
from infrastructure.pki.root import CLIENT, Root
from tests.contract.test_certificates import NAME, loaded, openssl_says, request

DAY = timedelta(days=1)


def test_it_is_the_same_after_a_restart(tmp_path: Path) -> None:
    first, again = file_authority(tmp_path), file_authority(tmp_path)
    assert first.device_authorities() == again.device_authorities()
    assert first.authorities() == again.authorities()
    assert first.statement_public_key() == again.statement_public_key()


def test_nobody_else_may_read_its_files(tmp_path: Path) -> None:
    file_authority(tmp_path / "ca")
    files = sorted((tmp_path / "ca").iterdir())
    assert [one.name for one in files] == ["devices.pem", "platform.pem", "statements.pem"]
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "ca").stat().st_mode) == 0o700


def test_many_that_start_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(file_authority, [tmp_path / "ca"] * 8))
    assert len({one.device_authorities() for one in made}) == 1
    assert len({one.statement_public_key() for one in made}) == 1


def test_a_root_lasts_twenty_years_and_signs_nothing_that_signs(tmp_path: Path) -> None:
    root = loaded(file_authority(tmp_path).device_authorities())
    left = root.not_valid_after_utc - datetime.now(UTC)
    assert left > timedelta(days=20 * 365 - 1)
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)


def test_an_authority_of_ones_own_is_used(tmp_path: Path) -> None:
    """One that another signs for: devices carry the chain, and the broker trusts the root."""
    above, own = _rooted(Root.new("Example root")), ec.generate_private_key(ec.SECP256R1())
    between = _signed_by(above, "Example devices", own.public_key())
    chain = _pem(between) + above.certificates.encode()
    (tmp_path / "devices.pem").write_bytes(_key(own) + chain)
    authority = file_authority(tmp_path)
    issued = authority.sign(request(), NAME, DAY)
    assert issued.certificate.count("BEGIN CERTIFICATE") == 2
    assert loaded(issued.certificate).issuer == between.subject
    assert authority.device_authorities().encode() == chain
    assert openssl_says(tmp_path, chain.decode(), issued.certificate) == "OK"


def no_key() -> bytes:
    return Root.new("x").certificates.encode()


def no_certificate() -> bytes:
    return _key(ec.generate_private_key(ec.SECP256R1()))


def of_another_key() -> bytes:
    return _key(ec.generate_private_key(ec.SECP256R1())) + Root.new("x").certificates.encode()


def of_another_kind() -> bytes:
    return _key(rsa.generate_private_key(65537, 2048)) + Root.new("x").certificates.encode()


def of_no_authority() -> bytes:
    made = Root.new("x").new_pair("leaf", CLIENT, DAY)
    return (made.key + made.certificate).encode()


def nothing() -> bytes:
    return b""


@pytest.mark.parametrize(
    "content", [no_key, no_certificate, of_another_key, of_another_kind, of_no_authority, nothing]
)
def test_a_file_that_cannot_be_an_authority_is_named(
    tmp_path: Path, content: Callable[[], bytes]
) -> None:
    (tmp_path / "devices.pem").write_bytes(content())
    with pytest.raises(BadAuthority, match=r"devices\.pem"):
        file_authority(tmp_path)


def _rooted(root: Root) -> Root:
    """The same key, with a certificate that may sign for other authorities."""
    made = _signed_by(root, "Example root", root.key.public_key())
    return Root(root.key, (made,))


def _signed_by(root: Root, name: str, key: ec.EllipticCurvePublicKey) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = root.chain[0].extensions.get_extension_for_class(x509.KeyUsage)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Example root")]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + 300 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage.value, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(issuer, critical=False)
        .sign(root.key, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _key(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
