"""A broker that does not do what it is told is not believed to."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.ports.brokers import BrokerUnreachable
from infrastructure.embedded import mosquitto
from infrastructure.embedded.mosquitto import MosquittoUnavailable
from infrastructure.mqtt.address import BrokerAddress
from infrastructure.mqtt.open_broker import OpenBroker
from infrastructure.mqtt.tls_broker import TlsBroker
from infrastructure.pki.memory import memory_authority
from tests.patience import eventually
from tests.services.mosquitto_tls import Fleet, new_address, serial_of

SHORT = 2.0
"""Seconds after which a broker that never obeys is given up."""


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    made = Fleet().start()
    yield made
    made.close()


def test_a_broker_that_is_not_told_is_seen_to_let_them_in(fleet: Fleet) -> None:
    deaf = TlsBroker(fleet.devices, fleet.trust, fleet.authority, seen_within=SHORT)
    with pytest.raises(BrokerUnreachable, match="still lets them in"):
        deaf.keep_out(["ab"])
    fleet.server.reload()
    fleet.broker.keep_out(["ab"])


def test_a_broker_that_is_away_keeps_them_out_once_it_is_back(fleet: Fleet) -> None:
    address = new_address()
    own = fleet.certificate(address)
    fleet.kill()
    short = TlsBroker(
        fleet.devices, fleet.trust, fleet.authority, fleet.server.reload, seen_within=SHORT
    )
    with pytest.raises(BrokerUnreachable, match="does not answer"):
        short.keep_out([serial_of(own)])
    with pytest.raises(BrokerUnreachable):
        short.cut_off(address.user_name)
    fleet.start()
    with pytest.raises((ConnectionError, OSError)):
        fleet.device(address, own).connect()


def test_a_broker_of_somebody_else_is_not_spoken_to(fleet: Fleet) -> None:
    stranger = TlsBroker(fleet.devices, fleet.trust, memory_authority(), seen_within=SHORT)
    with pytest.raises(BrokerUnreachable, match="not the broker's"):
        stranger.cut_off(new_address().user_name)


def test_a_revocation_that_was_listed_already_is_seen_without_a_new_list(fleet: Fleet) -> None:
    fleet.broker.keep_out(["ab", "cd"])
    before = (fleet.trust.folder / "revoked.pem").read_bytes()
    fleet.broker.keep_out(["cd", "ab"])
    assert (fleet.trust.folder / "revoked.pem").read_bytes() == before


def test_a_private_mosquitto_is_taken_over_by_the_next_process(fleet: Fleet) -> None:
    pid = fleet.server.pid
    again = Fleet(fleet.folder, fleet.authority)
    again.server.devices, again.server.gateway = fleet.devices, fleet.gateway
    again.server.start()
    assert again.server.pid == pid
    address = new_address()
    device = fleet.device(address).connect()
    other = Fleet(fleet.folder, fleet.authority)  # with ports of its own
    other.start()
    assert other.server.pid != pid
    eventually(lambda: device.ends)
    other.close()


def test_who_speaks_no_mqtt_is_no_broker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.close()
        with pytest.raises(BrokerUnreachable):
            OpenBroker(BrokerAddress("127.0.0.1", port, tls=False)).cut_off(new_address().user_name)


def test_without_mosquitto_the_remedy_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mosquitto, "_PLACES", (str(tmp_path),))
    with pytest.raises(MosquittoUnavailable, match="apt install mosquitto"):
        Fleet().server.start()


def test_a_version_that_refuses_the_names_of_devices_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    newer = tmp_path / "mosquitto"
    newer.write_text("#!/bin/sh\necho mosquitto version 2.1.2\n")
    newer.chmod(0o755)
    monkeypatch.setattr(mosquitto, "_PLACES", (str(tmp_path),))
    with pytest.raises(MosquittoUnavailable, match=r"2\.1\.2, and this needs 2\.0"):
        Fleet().server.start()
