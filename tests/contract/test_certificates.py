"""What a certificate authority signs and refuses, in memory and in files alike."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from application.ports.certificates import BrokerAuthority, CertificateAuthority
from domain.refusal import Refusal, RefusalCode
from edge.protocol.signed import CLOCK, key_id, opened, signed
from edge.protocol.topics import Address
from infrastructure.pki.authority import Authority
from infrastructure.pki.files import file_authority
from infrastructure.pki.memory import memory_authority
from tests.services.mosquitto_tls import new_address
from tests.services.programs import program

DAY = timedelta(days=1)
NAME = Address(UUID(int=1), UUID(int=2)).user_name
KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(params=["memory", "files"])
def authority(request: pytest.FixtureRequest, tmp_path: Path) -> Authority:
    return memory_authority() if request.param == "memory" else file_authority(tmp_path / "ca")


def request(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey = KEY,
    name: str = "device",
    encoding: Encoding = Encoding.PEM,
) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(name))
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(encoding)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def loaded(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def openssl_says(tmp_path: Path, authorities: str, certificate: str, *how: str) -> str:
    """`OK`, or what is wrong with the certificate."""
    (tmp_path / "authorities.pem").write_text(authorities)
    (tmp_path / "one.pem").write_text(certificate)
    command = [program("openssl", package="openssl"), "verify", "-x509_strict", *how]
    files = ["-CAfile", tmp_path / "authorities.pem", tmp_path / "one.pem"]
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    return "OK" if done.returncode == 0 else done.stderr


def test_a_device_is_certified_by_the_name_that_the_platform_gives(
    authority: CertificateAuthority,
) -> None:
    name = new_address().user_name
    issued = authority.sign(request(name="somebody-else/entirely"), name, DAY)
    made = loaded(issued.certificate)
    assert made.subject == _name(name)
    assert made.public_key() == KEY.public_key()
    assert issued.key_id == key_id(KEY.public_key())
    assert issued.serial == f"{made.serial_number:x}"
    assert (issued.not_before, issued.not_after) == (
        made.not_valid_before_utc,
        made.not_valid_after_utc,
    )
    assert abs(issued.not_after - datetime.now(UTC) - DAY) < timedelta(minutes=10)


def test_what_else_a_request_asks_for_is_not_given(authority: Authority) -> None:
    asked = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(_name("device"))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("broker")]), critical=False)
        .sign(KEY, hashes.SHA256())
    )
    issued = authority.sign(asked.public_bytes(Encoding.PEM), NAME, DAY)
    given = loaded(issued.certificate).extensions
    assert not given.get_extension_for_class(x509.BasicConstraints).value.ca
    purposes = given.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    with pytest.raises(x509.ExtensionNotFound):
        given.get_extension_for_class(x509.SubjectAlternativeName)


def test_serial_numbers_are_random_and_long(authority: CertificateAuthority) -> None:
    serials = {int(authority.sign(request(), NAME, DAY).serial, 16) for _ in range(20)}
    assert len(serials) == 20
    assert max(serials).bit_length() > 64
    assert max(serials).bit_length() < 160  # RFC 5280, 4.1.2.2


def test_no_certificate_outlives_its_root(authority: Authority) -> None:
    issued = authority.sign(request(), NAME, timedelta(days=36_500))
    assert issued.not_after == loaded(authority.device_authorities()).not_valid_after_utc


def test_openssl_takes_each_certificate_for_its_one_purpose(
    authority: Authority, tmp_path: Path
) -> None:
    devices, platform = authority.device_authorities(), authority.authorities()
    device = authority.sign(request(), new_address().user_name, DAY).certificate
    broker = authority.server_certificate(["broker.example.org", "127.0.0.1"]).certificate
    gateway = authority.gateway_certificate().certificate
    for authorities, certificate, purpose, good in (
        (devices, device, "sslclient", True),
        (devices, device, "sslserver", False),
        (devices, gateway, "sslclient", False),
        (platform, gateway, "sslclient", True),
        (platform, broker, "sslserver", True),
        (platform, broker, "sslclient", False),
        (platform, device, "sslclient", False),
    ):
        said = openssl_says(tmp_path, authorities, certificate, "-purpose", purpose)
        assert (said == "OK") is good, (purpose, said)


def test_the_brokers_certificate_holds_for_its_names_alone(authority: Authority) -> None:
    made = loaded(authority.server_certificate(["broker.example.org"]).certificate)
    store = verification.Store([loaded(authority.authorities())])
    builder = verification.PolicyBuilder().store(store)
    builder.build_server_verifier(x509.DNSName("broker.example.org")).verify(made, [])
    with pytest.raises(verification.VerificationError):
        builder.build_server_verifier(x509.DNSName("other.example.org")).verify(made, [])


def test_a_revoked_certificate_is_on_the_list_and_no_other(
    authority: Authority, tmp_path: Path
) -> None:
    revoked, good = (authority.sign(request(), NAME, DAY) for _ in range(2))
    now = datetime.now(UTC)
    (tmp_path / "revoked.pem").write_text(
        authority.revocation_list({int(revoked.serial, 16): now}, now)
    )
    how = ("-crl_check", "-CRLfile", f"{tmp_path / 'revoked.pem'}")
    authorities = authority.device_authorities()
    assert "certificate revoked" in openssl_says(tmp_path, authorities, revoked.certificate, *how)
    assert openssl_says(tmp_path, authorities, good.certificate, *how) == "OK"


def test_what_the_statement_key_signs_is_known_by_its_public_key(
    authority: CertificateAuthority,
) -> None:
    envelope = signed(CLOCK, {"time": 1}, authority.statement_key())
    known = load_pem_public_key(authority.statement_public_key().encode())
    assert isinstance(known, ed25519.Ed25519PublicKey)
    assert opened(CLOCK, envelope, known) == {"time": 1}


@pytest.mark.parametrize("name", ["edgewise-gateway", "", "a/b", f"{NAME}/more", NAME.upper()])
def test_nobody_but_a_device_is_certified(authority: CertificateAuthority, name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        authority.sign(request(), name, DAY)


def test_the_key_of_a_stand_in_is_new_each_time(authority: BrokerAuthority) -> None:
    first, second = authority.stand_in(NAME), authority.stand_in(NAME)
    assert first.key != second.key
    made = loaded(first.certificate)
    assert made.not_valid_after_utc - datetime.now(UTC) <= timedelta(minutes=5)


def tampered() -> bytes:
    der = bytearray(request(encoding=Encoding.DER))
    der[-1] ^= 1
    good = x509.load_der_x509_csr(bytes(der))
    return good.public_bytes(Encoding.PEM)


BAD: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "no PEM": lambda: b"hello",
    "DER": lambda: request(encoding=Encoding.DER),
    "RSA": lambda: request(rsa.generate_private_key(65537, 2048)),
    "P-384": lambda: request(ec.generate_private_key(ec.SECP384R1())),
    "Ed25519": lambda: request(ed25519.Ed25519PrivateKey.generate()),
    "tampered": tampered,
    "too large": lambda: request() + b"\n" * 16_384,
    "a certificate": lambda: memory_authority().authorities().encode(),
    "cut off": lambda: request()[:-60],
    "another alphabet": lambda: "-----BEGIN CERTIFICATE REQUEST-----\nжжж".encode(),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_good_request_is_refused(authority: CertificateAuthority, what: str) -> None:
    with pytest.raises(Refusal) as refused:
        authority.sign(BAD[what](), NAME, DAY)
    assert (refused.value.code, refused.value.field) == (RefusalCode.INVALID, "csr")
