"""A Mosquitto of the installation's own configuration, with an authority, and devices that hold its
certificates."""

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psutil
from cryptography import x509

from application.ports.certificates import KeyAndCertificate
from edge.protocol.topics import Address
from infrastructure.embedded.mosquitto import EmbeddedMosquitto
from infrastructure.mqtt.address import BrokerAddress
from infrastructure.mqtt.connection import BrokerAccess, group_of
from infrastructure.mqtt.tls import client_context
from infrastructure.mqtt.tls_broker import TlsBroker
from infrastructure.mqtt.trust_folder import TrustFolder
from infrastructure.pki.authority import Authority
from infrastructure.pki.memory import memory_authority
from infrastructure.pki.root import CLIENT
from tests.patience import PATIENCE, eventually
from tests.services.daemon import free_port
from tests.services.mqtt_clients import TestClient
from tests.services.programs import program
from tests.services.session_folder import new_folder, remember

NAMES = ("localhost", "127.0.0.1")


@dataclass
class Fleet:
    """The broker, and who is let in."""

    folder: Path = field(default_factory=lambda: new_folder("mosquitto-tls"))
    authority: Authority = field(default_factory=memory_authority)

    def __post_init__(self) -> None:
        self.devices = BrokerAddress("127.0.0.1", free_port(), tls=True)
        self.gateway = BrokerAddress("127.0.0.1", free_port(), tls=True)
        self.trust = TrustFolder(self.folder / "trust", self.authority)
        self.trust.publish(NAMES)
        self.server = EmbeddedMosquitto(self.folder, self.trust, self.devices, self.gateway)
        self.broker = TlsBroker(
            self.devices, self.trust, self.authority, self.server.reload, seen_within=PATIENCE
        )

    def start(self) -> "Fleet":
        program("mosquitto", package="mosquitto")
        self.server.start()
        assert self.server.pid is not None
        remember(self.folder, self.server.pid)
        return self

    def kill(self) -> None:
        """SIGKILL."""
        if self.server.pid is not None:
            psutil.Process(self.server.pid).kill()
            eventually(lambda: self.server.pid is None)

    def close(self) -> None:
        self.server.stop()

    def access(self) -> BrokerAccess:
        """For the gateway."""
        return BrokerAccess(
            self.gateway,
            lambda: self.context(self.authority.gateway_certificate()),
            group_of("the secret of tests"),
        )

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def certificate(
        self,
        address: Address,
        lifetime: timedelta = timedelta(days=1),
        authority: Authority | None = None,
    ) -> KeyAndCertificate:
        """A device's, of this authority or another."""
        signer = (authority or self.authority).devices
        return signer.new_pair(address.user_name, CLIENT, lifetime)

    def context(self, own: KeyAndCertificate) -> ssl.SSLContext:
        return client_context(self.authority.authorities(), own)

    def device(
        self,
        address: Address,
        own: KeyAndCertificate | None = None,
        client_id: str | None = None,
        clean: bool = True,
        will: tuple[str, bytes] | None = None,
        version: int = 4,
    ) -> TestClient:
        """Not yet connected."""
        return TestClient(
            self.devices.host,
            self.devices.port,
            client_id or address.client_id,
            self.context(own or self.certificate(address)),
            clean,
            will,
            version,
        )

    def platform(self, client_id: str = "gateway-1", clean: bool = True) -> TestClient:
        """A gateway, not yet connected."""
        own = self.authority.gateway_certificate()
        context = self.context(own)
        return TestClient(self.gateway.host, self.gateway.port, client_id, context, clean)


def new_address() -> Address:
    return Address(uuid4(), uuid4())


def serial_of(own: KeyAndCertificate) -> str:
    certificate = x509.load_pem_x509_certificate(own.certificate.encode())
    return f"{certificate.serial_number:x}"
