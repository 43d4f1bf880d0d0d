"""The embedded broker: on this machine alone, on a port that stays, back after a kill."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infrastructure.embedded.broker import BrokerUnavailable, EmbeddedBroker, answers
from infrastructure.embedded.broker_process import _send_at_once
from tests.patience import eventually
from tests.services.session_folder import is_gone

ROOT = Path(__file__).parents[2]
_STARTS_AND_WAITS = """
import sys, time
from pathlib import Path
from infrastructure.embedded.broker import EmbeddedBroker
broker = EmbeddedBroker(Path(sys.argv[1]), 0); broker.start()
print(broker.pid, flush=True); time.sleep(600)
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    made = EmbeddedBroker(tmp_path / "broker", 0)
    made.start()
    yield made
    made.stop()


def test_it_listens_on_the_loopback_address_alone(broker: EmbeddedBroker) -> None:
    connections = psutil.Process(broker.pid).net_connections("inet")
    listening = {one.laddr for one in connections if one.status == psutil.CONN_LISTEN}
    assert listening == {("127.0.0.1", broker.port)}


def test_it_keeps_its_port(broker: EmbeddedBroker, tmp_path: Path) -> None:
    broker.stop()
    again = EmbeddedBroker(tmp_path / "broker", 0)
    assert again.start() == broker.url
    again.stop()


def test_it_is_started_again_when_it_has_died(broker: EmbeddedBroker) -> None:
    assert not broker.ensure()
    psutil.Process(broker.pid).kill()
    eventually(lambda: broker.pid is None)
    assert not answers(broker.port)
    assert broker.ensure()
    assert answers(broker.port)


def test_it_is_started_again_when_it_does_not_answer(broker: EmbeddedBroker) -> None:
    pid = broker.pid
    psutil.Process(pid).suspend()
    assert broker.ensure()
    assert broker.pid != pid
    assert answers(broker.port)


def test_it_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _STARTS_AND_WAITS, tmp_path / "broker"]
    starter = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    server = psutil.Process(int(starter.stdout.readline()))
    starter.kill()
    starter.communicate()
    eventually(lambda: is_gone(server))


def test_a_port_that_is_taken_is_named_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BrokerUnavailable, match=f"{port}.*EDGEWISE_MQTT_PORT"):
            EmbeddedBroker(tmp_path, port).start()


def test_a_connection_to_the_process_of_the_broker_sends_small_messages_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _send_at_once()
        with socket.create_connection(listener.getsockname()) as client:
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
                assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0
