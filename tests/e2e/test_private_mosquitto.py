"""`edgewise up --broker mosquitto`: devices come in by certificates of the platform's own
authority, and their sessions go on when the platform is killed."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from edge.protocol.topics import Said
from infrastructure.mqtt.tls import client_context
from infrastructure.pki.files import file_authority
from infrastructure.pki.root import CLIENT
from tests.e2e.running import Process
from tests.patience import eventually
from tests.services.daemon import free_port
from tests.services.mosquitto_tls import new_address
from tests.services.mqtt_clients import TestClient
from tests.services.postgres import TEST_SECRET
from tests.services.programs import program


@pytest.fixture
def settings(empty_database_url: str) -> dict[str, str]:
    program("mosquitto", package="mosquitto")
    return {
        "DATABASE_URL": empty_database_url,
        "EDGEWISE_SECRET": TEST_SECRET,
        "EDGEWISE_PORT": str(free_port()),
        "EDGEWISE_MQTT_PORT": str(_two_free_ports()),
    }


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    for pid in _mosquitto(tmp_path / "home"):
        psutil.Process(pid).kill()


@pytest.mark.slow
def test_sessions_of_devices_outlive_the_platform(home: Path, settings: dict[str, str]) -> None:
    port = settings["EDGEWISE_MQTT_PORT"]
    first = _up(home, settings)
    assert f"mqtts://127.0.0.1:{port}" in first.output
    authority, address = file_authority(home / "authority"), new_address()
    own = authority.devices.new_pair(address.user_name, CLIENT, timedelta(days=1))
    context = client_context(authority.authorities(), own)
    device = TestClient("127.0.0.1", int(port), address.client_id, context, clean=False).connect()
    device.subscribe(*address.heard).publish(address.said(Said.HEARTBEAT), b"{}")
    broker = _mosquitto(home)
    first.kill()
    assert device.is_connected
    second = _up(home, settings)
    assert _mosquitto(home) == broker
    assert device.ends == []
    second.interrupt()
    eventually(lambda: device.ends)
    eventually(lambda: not _mosquitto(home))


def test_a_broker_that_does_not_start_is_said_in_words(
    home: Path, settings: dict[str, str]
) -> None:
    with socket.create_server(("0.0.0.0", int(settings["EDGEWISE_MQTT_PORT"]))):
        process = Process("up --broker mosquitto", home, settings)
        eventually(lambda: not process.running)
    assert process.exit_code == 1
    assert "error: UNAVAILABLE: Mosquitto did not start" in process.output
    assert "Traceback" not in process.output


def test_a_broken_authority_is_named(home: Path, settings: dict[str, str]) -> None:
    (home / "authority").mkdir(parents=True)
    (home / "authority" / "devices.pem").write_text("broken")
    process = Process("up", home, settings)
    eventually(lambda: not process.running)
    assert process.exit_code == 1
    assert "devices.pem" in process.output
    assert "Traceback" not in process.output


def _up(home: Path, settings: dict[str, str]) -> Process:
    process = Process("up --broker mosquitto", home, settings)
    eventually(lambda: "Edgewise is up" in process.output or not process.running)
    assert process.running, process.output
    return process


def _mosquitto(home: Path) -> list[int]:
    """The brokers that run from this home."""
    configuration = str(home / "mosquitto" / "mosquitto.conf")
    found = psutil.process_iter(["cmdline", "status"])
    return [
        one.pid
        for one in found
        if configuration in (one.info["cmdline"] or ()) and one.info["status"] != "zombie"
    ]


def _two_free_ports() -> int:
    while True:
        port = free_port()
        with socket.socket() as next_one:
            try:
                next_one.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        return port
