"""Who a device and a broker are: certificates of the platform's own authority.

Two roots keep two kinds of callers apart. The devices' root signs what devices show; the platform's
root signs the broker's own certificate and that of the gateway, and is what a device trusts. So no
device can pass for the broker or for the gateway, whatever name it bears.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was signed. `serial` is hexadecimal, lower case, without leading zeros;
    `certificate` is PEM: the device's own first, then those between it and the root. `key_id` is
    that of `edge.protocol.signed`."""

    serial: str
    certificate: str
    not_before: datetime
    not_after: datetime
    key_id: str


@dataclass(frozen=True, slots=True)
class KeyAndCertificate:
    """Both as PEM, `certificate` as in Issued."""

    key: str = field(repr=False)
    certificate: str


class CertificateAuthority(Protocol):
    """What the platform's commands ask of the authority."""

    def sign(self, csr_pem: bytes, user_name: str, lifetime: timedelta) -> Issued:
        """A client certificate for the key of this signing request, with the user name
        (`edge.protocol.topics.Address.user_name`) as its common name, whatever the request says.
        It never outlives its root.

        Raises ValueError for what is no user name of a device, and Refusal(INVALID, "csr") for
        what is no signing request in PEM of at most 16 KB that is signed by its own P-256 key."""
        ...

    def authorities(self) -> str:
        """PEM: what a device trusts when it connects to the broker."""
        ...

    def statement_key(self) -> Ed25519PrivateKey:
        """Signs statements to devices (`edge.protocol.signed`)."""
        ...

    def statement_public_key(self) -> str:
        """PEM: by which a device knows those statements."""
        ...


class BrokerAuthority(Protocol):
    """What a broker, and who speaks to it in the platform's name, ask of the authority."""

    def device_authorities(self) -> str:
        """PEM: by which the broker knows devices."""
        ...

    def authorities(self) -> str:
        """PEM: by which everybody knows the broker, and the broker knows the gateway."""
        ...

    def revocation_list(self, revoked: Mapping[int, datetime], last_update: datetime) -> str:
        """PEM: since when these devices' certificates, by serial number, are revoked. Of two lists
        a broker goes by the one updated last, to the second."""
        ...

    def server_certificate(self, names: Sequence[str]) -> KeyAndCertificate:
        """A new key and certificate for the broker, for a year, by these host names and
        addresses."""
        ...

    def gateway_certificate(self) -> KeyAndCertificate:
        """A new key and certificate by which the broker lets the gateway in, for a year."""
        ...

    def stand_in(self, user_name: str) -> KeyAndCertificate:
        """A new key and a certificate for a few minutes in the name of a device: who connects with
        it takes over the device's session."""
        ...
