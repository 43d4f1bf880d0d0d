"""The authority over two roots and the key of statements, wherever those are kept."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from application.ports.certificates import Issued, KeyAndCertificate
from edge.protocol.signed import key_id
from edge.protocol.topics import address_of
from infrastructure.pki.request import key_of_request
from infrastructure.pki.root import CLIENT, SERVER, Root

GATEWAY = "edgewise-gateway"
"""The gateway's user name at the broker; deploy/mosquitto/acl knows it too."""

BROKER_LIFETIME = timedelta(days=365)
STAND_IN_LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Authority:
    """Carries out both ports of `application.ports.certificates`."""

    devices: Root
    platform: Root
    statements: Ed25519PrivateKey

    def sign(self, csr_pem: bytes, user_name: str, lifetime: timedelta) -> Issued:
        address_of(user_name)  # so that no device gets the name of the gateway
        key = key_of_request(csr_pem)
        made = self.devices.sign(key, user_name, CLIENT, lifetime)
        return Issued(
            f"{made.serial_number:x}",
            self.devices.with_chain(made),
            made.not_valid_before_utc,
            made.not_valid_after_utc,
            key_id(key),
        )

    def authorities(self) -> str:
        return self.platform.certificates

    def device_authorities(self) -> str:
        return self.devices.certificates

    def statement_key(self) -> Ed25519PrivateKey:
        return self.statements

    def statement_public_key(self) -> str:
        public = self.statements.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def revocation_list(self, revoked: Mapping[int, datetime], last_update: datetime) -> str:
        return self.devices.revoking(revoked, last_update)

    def server_certificate(self, names: Sequence[str]) -> KeyAndCertificate:
        known = [_general_name(name) for name in names]
        return self.platform.new_pair("edgewise-broker", SERVER, BROKER_LIFETIME, known)

    def gateway_certificate(self) -> KeyAndCertificate:
        return self.platform.new_pair(GATEWAY, CLIENT, BROKER_LIFETIME)

    def stand_in(self, user_name: str) -> KeyAndCertificate:
        return self.devices.new_pair(user_name, CLIENT, STAND_IN_LIFETIME)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
