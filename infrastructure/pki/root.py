"""One root: a private key with the certificate that vouches for what it signs.

Profiles follow RFC 5280: random serial numbers of 159 bits, key identifiers on both sides, one
purpose (EKU) in each certificate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from application.ports.certificates import KeyAndCertificate

ROOT_LIFETIME = timedelta(days=20 * 365)
CLOCKS_DIFFER = timedelta(hours=1)
"""Certificates are valid from so long ago, for clocks that are behind."""

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


class BadRoot(ValueError):
    """The file has no certificate authority in it that can sign; the text says why."""


@dataclass(frozen=True, slots=True)
class Root:
    """`chain` begins with the certificate of the key; where that is not a root itself, those above
    it follow."""

    key: EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]

    @classmethod
    def new(cls, name: str) -> "Root":
        key = generate_private_key(SECP256R1())
        subject, now = _name(name), datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCKS_DIFFER)
            .not_valid_after(now + ROOT_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(of_root=True), critical=True)
            .add_extension(_identifier(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(key, (certificate,))

    @classmethod
    def read(cls, pem: bytes) -> "Root":
        """A P-256 private key and its certificates, in one text. Raises BadRoot."""
        try:
            key = load_pem_private_key(pem, password=None)
            chain = tuple(x509.load_pem_x509_certificates(pem))
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise BadRoot(f"no private key and certificate that can be read: {error}") from error
        if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
            raise BadRoot("a key of another kind; make one on the curve P-256 (prime256v1)")
        if chain[0].public_key() != key.public_key():
            raise BadRoot("its first certificate is not that of its private key")
        try:
            may_sign = chain[0].extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            may_sign = False
        if not may_sign:
            raise BadRoot("its certificate is none of an authority (basicConstraints CA:TRUE)")
        return cls(key, chain)

    @property
    def pem(self) -> bytes:
        """What `read` takes."""
        return _key_pem(self.key).encode() + self.certificates.encode()

    @property
    def certificates(self) -> str:
        """PEM: what verifies what this root signed."""
        return "".join(map(_pem, self.chain))

    def sign(
        self,
        key: EllipticCurvePublicKey,
        name: str,
        purpose: x509.ObjectIdentifier,
        lifetime: timedelta,
        names: Sequence[x509.GeneralName] = (),
    ) -> x509.Certificate:
        """A certificate for this key, which never outlives ours."""
        now, own = datetime.now(UTC), self.chain[0]
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(own.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(max(now - CLOCKS_DIFFER, own.not_valid_before_utc))
            .not_valid_after(min(now + lifetime, own.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(of_root=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(_identifier(key), critical=False)
            .add_extension(self._issuer, critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def new_pair(
        self,
        name: str,
        purpose: x509.ObjectIdentifier,
        lifetime: timedelta,
        names: Sequence[x509.GeneralName] = (),
    ) -> KeyAndCertificate:
        """A new key with its certificate."""
        key = generate_private_key(SECP256R1())
        made = self.sign(key.public_key(), name, purpose, lifetime, names)
        return KeyAndCertificate(_key_pem(key), self.with_chain(made))

    def with_chain(self, certificate: x509.Certificate) -> str:
        """PEM: the certificate and those between it and a root, which who verifies has itself."""
        between = [one for one in self.chain if one.issuer != one.subject]
        return "".join(map(_pem, (certificate, *between)))

    def revoking(self, revoked: Mapping[int, datetime], last_update: datetime) -> str:
        """PEM of a revocation list, with serial numbers and since when. It holds as long as this
        root: a list that lapsed would shut everybody out."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.chain[0].subject)
            .last_update(last_update)
            .next_update(self.chain[0].not_valid_after_utc)
            .add_extension(x509.CRLNumber(int(last_update.timestamp())), critical=False)
            .add_extension(self._issuer, critical=False)
        )
        for serial, since in sorted(revoked.items()):
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since)
            builder = builder.add_revoked_certificate(one.build())
        made = builder.sign(self.key, hashes.SHA256())
        return made.public_bytes(Encoding.PEM).decode()

    @property
    def _issuer(self) -> x509.AuthorityKeyIdentifier:
        own = self.chain[0].extensions
        try:
            known = own.get_extension_for_class(x509.SubjectKeyIdentifier).value
        except x509.ExtensionNotFound:
            return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _identifier(key: EllipticCurvePublicKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key)


def _usage(*, of_root: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not of_root,
        key_cert_sign=of_root,
        crl_sign=of_root,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _key_pem(key: EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
