"""Mosquitto runs from deploy/mosquitto as docker-compose.yml runs it."""

import re
import ssl
import subprocess

import pytest

from infrastructure.mqtt.address import BrokerAddress
from infrastructure.mqtt.hello import say_hello
from infrastructure.mqtt.tls_broker import TlsBroker
from tests.deploy.compose import ROOT
from tests.patience import PATIENCE, eventually
from tests.services.daemon import Daemon, free_port, listens
from tests.services.mosquitto_tls import Fleet, new_address, serial_of
from tests.services.programs import program

FILES = ROOT / "deploy/mosquitto"
COMMAND = "00000000-0000-4000-8000-000000000000"
REFUSED = (ConnectionError, ssl.SSLError)


def test_the_broker_is_told_of_a_revocation_by_the_file_alone() -> None:
    """As in docker-compose.yml: the broker runs in a container of its own, under run.sh."""
    mosquitto = program("mosquitto", package="mosquitto")
    fleet = Fleet()
    trust, kept = fleet.trust.folder, fleet.folder / "later"
    trust.rename(kept)
    fleet.server.write_configuration()
    started = Daemon(
        fleet.folder,
        ["/bin/sh", FILES / "run.sh", fleet.folder / "mosquitto.conf", trust],
        lambda: "waiting" in fleet.log,
        {"PATH": f"{mosquitto.parent}:/usr/bin:/bin"},
    )
    started.start()
    try:
        kept.rename(trust)
        eventually(lambda: listens(fleet.devices.port))
        address = new_address()
        own = fleet.certificate(address)
        fleet.device(address, own).connect().close()
        broker = TlsBroker(fleet.devices, fleet.trust, fleet.authority, seen_within=PATIENCE)
        broker.keep_out([serial_of(own)])
        with pytest.raises(REFUSED):
            fleet.device(address, own).connect()
    finally:
        started.stop()
    assert not listens(fleet.devices.port)
    started.kill()


def test_it_warns_of_nothing_and_listens_where_it_says_alone() -> None:
    fleet = Fleet().start()
    pid = fleet.server.pid
    assert pid is not None
    ports = _listening(pid)
    fleet.close()
    assert ports == {fleet.devices.port, fleet.gateway.port}
    # All but the first is our look at the port, which says nothing and goes.
    expected = ("run as root", "Client connection from", "unexpected eof", "Client <unknown>")
    told = [line for line in fleet.log.splitlines() if not any(one in line for one in expected)]
    assert not re.search(r"(?i)error:|warning|deprecated|unknown", "\n".join(told)), told


def test_the_listener_of_the_health_check_lets_nobody_in() -> None:
    fleet = Fleet()
    own, port = (FILES / "mosquitto.conf").read_text(), free_port()
    fleet.server.write_configuration()
    with (fleet.folder / "mosquitto.conf").open("a") as file:
        file.write(own[own.index("listener 1883") :].replace("1883", f"{port}"))
    server = program("mosquitto", package="mosquitto")
    broker = Daemon(
        fleet.folder, [server, "-c", fleet.folder / "mosquitto.conf"], lambda: listens(port)
    )
    broker.start()
    try:
        assert say_hello(BrokerAddress("127.0.0.1", port, tls=False), "nobody") == 5
    finally:
        broker.kill()
    compose = (ROOT / "docker-compose.yml").read_text()
    assert 'test: ["CMD", "nc", "-z", "127.0.0.1", "1883"]' in compose


def test_the_start_script_is_one_that_a_plain_shell_takes() -> None:
    done = subprocess.run(["/bin/sh", "-n", FILES / "run.sh"], check=False, capture_output=True)
    assert done.stderr == b""


def _listening(pid: int) -> set[int]:
    import psutil

    connections = psutil.Process(pid).net_connections("inet")
    return {one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN}
