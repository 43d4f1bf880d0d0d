"""The embedded broker with devices and gateways at it, like those of tests.services.mosquitto_tls,
so that contract tests run on both."""

from dataclasses import dataclass, field
from pathlib import Path

import psutil

from edge.protocol.topics import Address
from infrastructure.embedded.broker import EmbeddedBroker
from infrastructure.mqtt.address import BrokerAddress
from infrastructure.mqtt.connection import BrokerAccess
from infrastructure.mqtt.open_broker import OpenBroker
from tests.patience import eventually
from tests.services.daemon import free_port
from tests.services.mqtt_clients import TestClient
from tests.services.session_folder import new_folder, remember


@dataclass
class OpenFleet:
    folder: Path = field(default_factory=lambda: new_folder("broker"))

    def __post_init__(self) -> None:
        self.server = EmbeddedBroker(self.folder, free_port())
        self.address = BrokerAddress.parse(self.server.url)
        self.broker = OpenBroker(self.address)

    def start(self) -> "OpenFleet":
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
        return BrokerAccess(self.address)

    def device(
        self, address: Address, clean: bool = True, will: tuple[str, bytes] | None = None
    ) -> TestClient:
        """Not yet connected."""
        host, port = self.address.host, self.address.port
        return TestClient(host, port, address.client_id, None, clean, will)

    def platform(self, client_id: str = "gateway-1", clean: bool = True) -> TestClient:
        """A gateway, not yet connected."""
        return TestClient(self.address.host, self.address.port, client_id, None, clean)
