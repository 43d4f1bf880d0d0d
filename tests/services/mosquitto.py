"""A private Mosquitto: MQTT 5 on the loopback address, anonymous, persistent."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.services.daemon import Daemon, free_port, listens


@dataclass(frozen=True, slots=True)
class MqttAccess:
    """Where a broker listens."""

    host: str
    port: int

    @classmethod
    def from_environment(cls) -> "MqttAccess | None":
        """The broker of TEST_MQTT_URL, as `mqtt://host:port`."""
        url = urlsplit(os.environ.get("TEST_MQTT_URL", ""))
        return cls(url.hostname, url.port or 1883) if url.hostname else None


class OwnMosquitto(Daemon):
    """A broker, reached by `access`."""

    def __init__(self, folder: Path, server: Path) -> None:
        port = free_port()
        self.access = MqttAccess("127.0.0.1", port)
        settings = [
            f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence true",
            f"persistence_location {folder}/", "autosave_on_changes true", "autosave_interval 1",
        ]  # fmt: skip
        if os.geteuid() == 0:
            settings.append("user root")  # the one it would change to may not read the folder
        configuration = folder / "mosquitto.conf"
        configuration.write_text("\n".join(settings) + "\n")
        super().__init__(folder, [server, "-c", configuration], lambda: listens(port))
