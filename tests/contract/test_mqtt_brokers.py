"""What a broker does for devices and gateways, the embedded one and Mosquitto alike."""

import asyncio
import json
from collections.abc import Iterator
from uuid import uuid4

import aiomqtt
import pytest

from application.ports.brokers import Broker
from edge.protocol.envelope import MOST_BYTES
from edge.protocol.topics import HEARD_FROM_ALL, Address, Said
from infrastructure.mqtt.connection import Connection, stay_connected
from tests.patience import PATIENCE, eventually
from tests.services.embedded_broker import OpenFleet
from tests.services.mosquitto_tls import Fleet, new_address

Brokers = OpenFleet | Fleet


@pytest.fixture(params=[OpenFleet, Fleet], ids=["embedded", "mosquitto"])
def fleet(request: pytest.FixtureRequest) -> Iterator[Brokers]:
    made: Brokers = request.param()
    made.start()
    yield made
    made.close()


def state(address: Address) -> str:
    return address.said(Said.STATE)


def test_the_last_state_comes_to_who_asks_later(fleet: Brokers) -> None:
    address = new_address()
    device = fleet.device(address).connect()
    device.publish(state(address), b"first", retain=True)
    device.publish(state(address), b"last", retain=True)
    gateway = fleet.platform().connect().subscribe("edgewise/v1/+/+/state")
    eventually(lambda: gateway.heard)
    assert [(one.payload, one.retained) for one in gateway.heard] == [(b"last", True)]


def test_a_device_that_is_lost_leaves_its_will_with_its_boot_id(fleet: Brokers) -> None:
    address, boot = new_address(), str(uuid4())
    gateway = fleet.platform().connect().subscribe("edgewise/v1/+/+/state")
    will = json.dumps({"boot_id": boot, "body": {"online": False}}).encode()
    device = fleet.device(address, will=(state(address), will)).connect()
    device.publish(state(address), b"online", retain=True)
    device.drop()
    eventually(lambda: len(gateway.heard) == 2)
    assert gateway.payloads(state(address)) == [b"online", will]
    late = fleet.platform("gateway-2").connect().subscribe("edgewise/v1/+/+/state")
    eventually(lambda: late.heard)
    assert json.loads(late.heard[0].payload)["boot_id"] == boot


def test_a_device_that_says_goodbye_leaves_no_will(fleet: Brokers) -> None:
    address = new_address()
    gateway = fleet.platform().connect().subscribe(*HEARD_FROM_ALL)
    device = fleet.device(address, will=(state(address), b"lost")).connect()
    device.publish(state(address), b"stopped", retain=True)
    device.close()
    other = new_address()
    fleet.device(other).connect().publish(other.said(Said.HEARTBEAT), b"after")
    eventually(lambda: gateway.payloads(other.said(Said.HEARTBEAT)))
    assert gateway.payloads(state(address)) == [b"stopped"]


def test_what_is_said_to_a_device_that_is_away_waits_for_it(fleet: Brokers) -> None:
    address = new_address()
    fleet.device(address, clean=False).connect().subscribe(*address.heard).drop()
    gateway = fleet.platform().connect()
    told = [f"{number}".encode() for number in range(200)]
    for one in told:
        gateway.publish(address.delta, one)
    again = fleet.device(address, clean=False).connect()
    eventually(lambda: len(again.heard) == len(told))
    assert again.sessions == [True]
    assert again.payloads() == told


def test_the_largest_envelope_comes_through_whole(fleet: Brokers) -> None:
    address = new_address()
    gateway = fleet.platform().connect().subscribe(*HEARD_FROM_ALL)
    largest = b"x" * MOST_BYTES
    fleet.device(address).connect().publish(address.said(Said.TELEMETRY_LOG), largest)
    eventually(lambda: gateway.heard)
    assert gateway.payloads() == [largest]


def test_a_message_beyond_a_quarter_of_a_megabyte_ends_its_sender_alone(fleet: Brokers) -> None:
    address = new_address()
    gateway = fleet.platform().connect().subscribe(*HEARD_FROM_ALL)
    device = fleet.device(address).connect()
    device.client.publish(address.said(Said.TELEMETRY_LOG), b"x" * 300_000, 1)
    eventually(lambda: device.ends)
    other = new_address()
    fleet.device(other).connect().publish(other.said(Said.HEARTBEAT), b"well")
    eventually(lambda: gateway.heard)
    assert gateway.payloads() == [b"well"]


def test_a_device_that_is_cut_off_is_disconnected_and_its_queue_dropped(fleet: Brokers) -> None:
    broker: Broker = fleet.broker
    address = new_address()
    gateway = fleet.platform().connect().subscribe("edgewise/v1/+/+/state")
    will = (state(address), b"lost")
    device = fleet.device(address, clean=False, will=will).connect().subscribe(*address.heard)
    broker.cut_off(address.user_name)
    eventually(lambda: device.ends)
    eventually(lambda: gateway.payloads() == [b"lost"])
    gateway.publish(address.delta, b"not for a session that was dropped")
    again = fleet.device(address, clean=False).connect().subscribe(*address.heard)
    gateway.publish(address.delta, b"new")
    eventually(lambda: again.heard)
    assert again.sessions == [False]
    assert again.payloads() == [b"new"]


def test_cutting_off_who_is_not_there_changes_nothing(fleet: Brokers) -> None:
    fleet.broker.cut_off(new_address().user_name)


async def test_what_a_gateway_did_not_acknowledge_comes_again(fleet: Brokers) -> None:
    address = new_address()
    topic = address.said(Said.TELEMETRY_LOG)
    device = await asyncio.to_thread(fleet.device(address).connect)
    async with Connection(fleet.access(), "gateway-1") as first:
        await first.subscribe(topic, 1)
        for number in range(5):
            await asyncio.to_thread(device.publish, topic, f"{number}")
        came = await _some(first, 5)
        # The last of them is safe too, but one before it is not.
        for one in (came[0], came[1], came[4]):
            first.acknowledge(one)
        await first.subscribe(address.said(Said.HEARTBEAT), 1)  # answered after they were read
        first._client.socket().shutdown(2)  # type: ignore[union-attr]
        with pytest.raises(aiomqtt.MqttError):
            await first.batch(1)
    async with Connection(fleet.access(), "gateway-1") as second:
        again = await _some(second, 3)
        assert [one.payload for one in again] == [b"2", b"3", b"4"]
        for one in again:
            second.acknowledge(one)


async def test_a_gateway_goes_on_when_the_broker_was_killed(fleet: Brokers) -> None:
    address = new_address()
    topic = address.said(Said.HEARTBEAT)
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def work(connection: Connection) -> None:
        await connection.subscribe(topic, 1)
        await heard.put(b"subscribed")
        while True:
            for one in await connection.batch(10):
                await heard.put(bytes(one.payload))
                connection.acknowledge(one)

    staying = asyncio.create_task(stay_connected(fleet.access(), "gateway-1", work))
    try:
        for beat in (b"before", b"after"):
            assert await asyncio.wait_for(heard.get(), PATIENCE) == b"subscribed"
            device = await asyncio.to_thread(fleet.device(address).connect)
            await asyncio.to_thread(device.publish, topic, beat)
            assert await asyncio.wait_for(heard.get(), PATIENCE) == beat
            await asyncio.to_thread(device.close)
            if beat == b"before":
                await asyncio.to_thread(fleet.kill)
                await asyncio.to_thread(fleet.start)
    finally:
        staying.cancel()


def test_gateways_at_mosquitto_share_what_comes() -> None:
    fleet = Fleet().start()
    gateways = [fleet.platform(name).connect() for name in ("gateway-1", "gateway-2")]
    for gateway in gateways:
        gateway.subscribe(*fleet.access().shared(HEARD_FROM_ALL))
    address = new_address()
    device = fleet.device(address).connect()
    kinds = [kind for kind in Said if kind not in (Said.RESPONSE, Said.STATE)]
    for number in range(80):
        device.publish(address.said(kinds[number % len(kinds)]), f"{number}")
    eventually(lambda: sum(len(gateway.heard) for gateway in gateways) >= 80)
    numbers = sorted(int(one) for gateway in gateways for one in gateway.payloads())
    assert numbers == list(range(80))
    assert all(gateway.heard for gateway in gateways)
    fleet.close()


def test_gateways_at_the_embedded_broker_each_get_everything() -> None:
    fleet = OpenFleet().start()
    gateways = [fleet.platform(name).connect() for name in ("gateway-1", "gateway-2")]
    for gateway in gateways:
        gateway.subscribe(*fleet.access().shared(HEARD_FROM_ALL))
    address = new_address()
    device = fleet.device(address).connect()
    for number in range(20):
        device.publish(address.said(Said.HEARTBEAT), f"{number}")
    for gateway in gateways:
        eventually(lambda own=gateway: len(own.heard) >= 20)
        assert [int(one) for one in gateway.payloads()] == list(range(20))
    gateways[0].drop()
    device.publish(address.said(Said.HEARTBEAT), b"20")
    eventually(lambda: len(gateways[1].heard) == 21)
    fleet.close()


async def _some(connection: Connection, count: int) -> list[aiomqtt.Message]:
    came: list[aiomqtt.Message] = []
    async with asyncio.timeout(PATIENCE):
        while len(came) < count:
            came += await connection.batch(count)
    return came
