"""The broker's configuration is one that Mosquitto takes, and lets nobody in yet."""

import os
import re
import socket
from pathlib import Path

import pytest

from tests.deploy.compose import ROOT
from tests.patience import PATIENCE, eventually
from tests.services.daemon import Daemon, free_port, listens
from tests.services.programs import program
from tests.services.session_folder import new_folder

CONNECT = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04test"
NOT_AUTHORIZED = b"\x20\x02\x00\x05"


@pytest.fixture
def port() -> int:
    return free_port()


def test_it_starts_and_refuses_who_has_no_name(port: int) -> None:
    server, folder = program("mosquitto", package="mosquitto"), new_folder("mosquitto")
    text = (ROOT / "deploy/mosquitto/mosquitto.conf").read_text()
    assert "listener 1883" in text
    own = text.replace("listener 1883", f"listener {port} 127.0.0.1")
    own = own.replace("/mosquitto/data/", f"{folder}/")
    if os.geteuid() == 0:
        own += "\nuser root\n"  # the one it would change to may not read the folder
    (folder / "mosquitto.conf").write_text(own)
    broker = Daemon(folder, [server, "-c", folder / "mosquitto.conf"], lambda: listens(port))
    broker.start()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
            client.sendall(CONNECT)
            assert client.recv(4) == NOT_AUTHORIZED
        # It answers first and writes its log after that.
        eventually(lambda: "not authorised" in (folder / "log").read_text())
    finally:
        broker.kill()
    log = (folder / "log").read_text()
    assert not re.search(r"Error:|recommended|deprecated|Unknown", log), log


def test_the_health_check_asks_its_port() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    assert 'test: ["CMD", "nc", "-z", "127.0.0.1", "1883"]' in compose
    assert Path(ROOT / "deploy/mosquitto/mosquitto.conf").is_file()
