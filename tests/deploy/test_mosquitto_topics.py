"""The broker's configuration keeps every device in its own topics.

Mosquitto grants every subscription and holds its rules when a message is delivered: so these look
at what arrives.
"""

import ssl
from collections.abc import Callable

import pytest

from edge.protocol.topics import HEARD_FROM_ALL, TELEMETRY, Address, Said
from infrastructure.mqtt.connection import group_of
from tests.deploy.compose import ROOT
from tests.patience import eventually
from tests.services.mosquitto_tls import Fleet, new_address
from tests.services.mqtt_clients import TestClient

FILES = ROOT / "deploy/mosquitto"
COMMAND = "00000000-0000-4000-8000-000000000000"
REFUSED = (ConnectionError, ssl.SSLError)


def written_by(address: Address) -> list[str]:
    """All topics that a device writes."""
    kinds = [Said.STATE, Said.HEARTBEAT, Said.REPORTED, Said.TWIN_WANTED, *TELEMETRY]
    return [*map(address.said, kinds), f"{address.root}/command/{COMMAND}/response"]


def heard_by(address: Address) -> list[str]:
    """All topics that a device reads."""
    return [topic.replace("+", COMMAND) for topic in address.heard]


def barrier(fleet: Fleet, listener: TestClient) -> None:
    """Everything that was sent before has arrived, or will not: brokers keep the order."""
    after = new_address()
    fleet.device(after).connect().publish(after.said(Said.HEARTBEAT), b"after")
    eventually(lambda: listener.payloads(after.said(Said.HEARTBEAT)))


def listening(fleet: Fleet, name: str) -> TestClient:
    """A gateway that hears all."""
    return fleet.platform(name).connect().subscribe(*HEARD_FROM_ALL)


def test_a_device_says_all_that_it_has_to_say(fleet: Fleet, address: Address) -> None:
    gateway = listening(fleet, "hears")
    device = fleet.device(address).connect()
    for topic in written_by(address):
        device.publish(topic, b"mine")
    eventually(lambda: len(topics_of(gateway, address)) == len(written_by(address)))
    assert topics_of(gateway, address) == written_by(address)


def topics_of(gateway: TestClient, address: Address) -> list[str]:
    return [one.topic for one in list(gateway.heard) if one.topic.startswith(address.root)]


def test_a_device_hears_all_that_is_said_to_it(fleet: Fleet, address: Address) -> None:
    gateway = fleet.platform("speaks").connect()
    device = fleet.device(address).connect().subscribe(*address.heard)
    for topic in heard_by(address):
        gateway.publish(topic, b"yours")
    eventually(lambda: len(device.heard) == len(heard_by(address)))
    assert [one.topic for one in device.heard] == heard_by(address)


def test_what_a_device_says_in_the_name_of_another_reaches_nobody(
    fleet: Fleet, address: Address, other: Address
) -> None:
    gateway = listening(fleet, "hears-strangers")
    device = fleet.device(address).connect()
    neighbor = Address(address.tenant, other.device)  # of the same tenant
    for victim in (other, neighbor):
        for topic in written_by(victim):
            device.publish(topic, b"false", retain=True)
    barrier(fleet, gateway)
    assert b"false" not in gateway.payloads()
    late = listening(fleet, "hears-retained")
    barrier(fleet, late)
    assert b"false" not in late.payloads()


def test_a_device_cannot_speak_for_the_platform(
    fleet: Fleet, address: Address, other: Address
) -> None:
    device = fleet.device(address).connect().subscribe(*address.heard)
    victim = fleet.device(other).connect().subscribe(*other.heard)
    for topic in heard_by(address) + heard_by(other):
        device.publish(topic, b"false")
    gateway = fleet.platform("speaks-after").connect()
    for one in (address, other):
        gateway.publish(one.clock, b"true")
    eventually(lambda: device.heard and victim.heard)
    assert device.payloads() == victim.payloads() == [b"true"]


@pytest.mark.parametrize(
    "asks",
    [
        lambda other: ["#"],
        lambda other: ["$SYS/#"],
        lambda other: ["edgewise/#", "edgewise/v1/#"],
        lambda other: ["+/+/+/+/twin/delta", "edgewise/v1/+/+/twin/delta"],
        lambda other: list(other.heard),
        lambda other: [f"{other.root}/#"],
        lambda other: written_by(other),
        lambda other: [f"$share/gateway/{topic}" for topic in (*HEARD_FROM_ALL, *other.heard)],
    ],
    ids=["all", "sys", "root", "wildcard", "its topics", "its root", "its words", "shared"],
)
def test_a_device_hears_nothing_of_another(
    fleet: Fleet, address: Address, other: Address, asks: Callable[[Address], list[str]]
) -> None:
    gateway = fleet.platform("speaks-to-others").connect()
    victim = fleet.device(other).connect()
    victim.publish(other.said(Said.STATE), b"secret", retain=True)
    device = fleet.device(address).connect().subscribe(*asks(other), address.clock)
    for topic in heard_by(other):
        gateway.publish(topic, b"secret", retain=True)
    for topic in written_by(other):
        victim.publish(topic, b"secret")
    gateway.publish(address.clock, b"own")
    eventually(lambda: b"own" in device.payloads(address.clock))
    assert set(device.payloads()) == {b"own"}


def test_a_device_takes_no_share_of_a_group_whose_name_it_does_not_know(
    fleet: Fleet, address: Address
) -> None:
    """Mosquitto counts it as a member of the group that it names, and loses what it may not read:
    so the group of the gateways is a secret of the installation."""
    gateway = fleet.platform("shares").connect().subscribe(*fleet.access().shared(HEARD_FROM_ALL))
    thief = fleet.device(new_address()).connect()
    for guess in ("gateway", "edgewise-gateway", group_of(""), group_of("another")):
        thief.subscribe(*(f"$share/{guess}/{topic}" for topic in HEARD_FROM_ALL))
        speaker = fleet.device(address).connect()
        for number in range(10):
            speaker.publish(address.said(Said.HEARTBEAT), f"{guess} {number}")
        last = f"{guess} 9".encode()
        eventually(lambda last=last: last in gateway.payloads(address.said(Said.HEARTBEAT)))
    assert len(gateway.payloads(address.said(Said.HEARTBEAT))) == 40
    assert thief.heard == []


def test_a_will_on_the_topic_of_another_is_not_carried_out(
    fleet: Fleet, address: Address, other: Address
) -> None:
    gateway = listening(fleet, "hears-wills")
    device = fleet.device(address, will=(other.said(Said.STATE), b"offline"))
    try:
        device.connect().drop()
    except REFUSED:
        pass  # some versions refuse the connection instead
    own = fleet.device(address, will=(address.said(Said.STATE), b"own will"))
    own.connect().drop()
    eventually(lambda: gateway.payloads(address.said(Said.STATE)))
    barrier(fleet, gateway)
    assert gateway.payloads(other.said(Said.STATE)) == []


def test_a_device_that_claims_the_client_id_of_another_does_not_end_its_session(
    fleet: Fleet, address: Address, other: Address
) -> None:
    gateway = fleet.platform("has-a-name").connect()
    victim = fleet.device(other, clean=False).connect().subscribe(*other.heard)
    for claimed in (other.client_id, other.user_name, "has-a-name"):
        fleet.device(address, client_id=claimed).connect().close()
    gateway.publish(other.clock, b"still there")
    eventually(lambda: victim.heard)
    assert victim.ends == gateway.ends == []


def test_a_second_session_of_a_device_takes_the_place_of_the_first(
    fleet: Fleet, address: Address
) -> None:
    first = fleet.device(address, client_id="one").connect()
    fleet.device(address, client_id="another").connect()
    eventually(lambda: first.ends)


def test_a_payload_beyond_the_limit_is_not_taken(fleet: Fleet, address: Address) -> None:
    device = fleet.device(address).connect()
    device.client.publish(address.said(Said.TELEMETRY_LOG), b"x" * 300_000, 1)
    eventually(lambda: device.ends)
