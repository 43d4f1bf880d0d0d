"""A real certificate authority: signs what devices send, and gives servers certificates."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)


class Authority:
    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("test authority")
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 3_000 * DAY)
            .not_valid_after(now + 3_000 * DAY)
            .add_extension(x509.BasicConstraints(True, None), critical=True)
            .sign(self._key, SHA256())
        )

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def device(
        self, csr: str, user_name: str, begin: timedelta = -DAY, end: timedelta = 30 * DAY
    ) -> str:
        """A certificate for the key of the request, by this name; PEM."""
        request = x509.load_pem_x509_csr(csr.encode())
        assert request.is_signature_valid
        public = request.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        return self._issued(public, user_name, ExtendedKeyUsageOID.CLIENT_AUTH, begin, end, ())

    def server(
        self,
        folder: Path,
        begin: timedelta = -DAY,
        end: timedelta = 30 * DAY,
        hosts: Sequence[str] = ("127.0.0.1",),
    ) -> tuple[Path, Path]:
        """Certificate and key of a server, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH
        pem = self._issued(key.public_key(), "server", usage, begin, end, hosts)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "server.crt").write_text(pem)
        (folder / "server.key").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (folder / "authority.crt").write_text(self.pem)
        return folder / "server.crt", folder / "server.key"

    def _issued(
        self,
        public: ec.EllipticCurvePublicKey,
        name: str,
        usage: x509.ObjectIdentifier,
        begin: timedelta,
        end: timedelta,
        hosts: Sequence[str],
    ) -> str:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begin)
            .not_valid_after(now + end)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        if hosts:
            names = [x509.IPAddress(ipaddress.ip_address(host)) for host in hosts]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM).decode()


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
