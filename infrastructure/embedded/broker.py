"""The MQTT broker that Edgewise runs itself: rumqttd 0.20 (out of the wheel `iotcore`) as a child
process on the loopback address. MQTT 3.1.1; who reaches the address is let in: it knows no
certificates and keeps no device in its own topics, so a real network needs Mosquitto.

Everything it holds is in memory: a restart forgets sessions, retained states and what is queued.
Nothing of the platform's depends on it: a device keeps what the platform itself has not
acknowledged, says its state anew at every connection, and asks for its twin.

Of an offline session's queue the last 8 MB in each topic filter are held. `$share` it does not do
properly: a group is known by its name alone, so that its members get the messages of one filter
only, and the router dies when the last member leaves. See docs/broker.md.
"""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from infrastructure.mqtt.address import BrokerAddress
from infrastructure.mqtt.hello import ACCEPTED, NoAnswer, say_hello
from infrastructure.private_file import replace

HOST = "127.0.0.1"
PORT = 1883
MOST_CONNECTIONS = 20_000
MOST_PAYLOAD_BYTES = 262_144
START_SECONDS = 60.0
_CONFIGURATION = """\
id = 0

[router]
id = 0
max_connections = {connections}
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 8

[v4.1]
name = "devices"
listen = "{host}:{port}"
next_connection_delay_ms = 0

    [v4.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = {payload}
    max_inflight_count = 100
    dynamic_filters = true
"""


class BrokerUnavailable(RuntimeError):
    """The broker did not start; the message says why and the remedy."""


class EmbeddedBroker:
    """One broker. `port` 0 takes a free one, which is kept in the folder: devices remember it."""

    def __init__(self, folder: Path, port: int = PORT) -> None:
        self._folder, self._port = folder, port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"mqtt://{HOST}:{self._port}"

    @property
    def pid(self) -> int | None:
        """None when it does not run."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process is not None and running else None

    def start(self) -> str:
        """Starts it, and returns its URL once it answers; does nothing when it runs.

        Raises BrokerUnavailable."""
        if self.pid is not None:
            return self.url
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._port = self._port or self._kept_port()
        _require_free(self._port)
        configuration = self._folder / "rumqttd.toml"
        text = _CONFIGURATION.format(
            host=HOST,
            port=self._port,
            connections=MOST_CONNECTIONS,
            payload=MOST_PAYLOAD_BYTES,
        )
        replace(configuration, text.encode())
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "infrastructure.embedded.broker_process", configuration],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl-C is for our process, which then ends this one when it is done.
                start_new_session=True,
            )
        self._wait()
        return self.url

    def stop(self) -> None:
        """Ends it; does nothing when it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)  # it has nothing to put away
        process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def ensure(self) -> bool:
        """Starts it again where it has died, or runs and does not answer; says whether it did.

        Raises BrokerUnavailable."""
        if self.pid is not None and answers(self._port):
            return False
        self.stop()
        self.start()
        return True

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not answers(self._port):
            if self.pid is None or time.monotonic() > deadline:
                self.stop()
                log = (self._folder / "log").read_text(errors="replace")[-2000:]
                raise BrokerUnavailable(f"The embedded MQTT broker did not start:\n{log}")
            time.sleep(0.02)

    def _kept_port(self) -> int:
        file = self._folder / "port"
        try:
            return int(file.read_text())
        except (FileNotFoundError, ValueError):
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                port = int(probe.getsockname()[1])
            replace(file, str(port).encode())
            return port


def answers(port: int) -> bool:
    """Whether a broker takes a client here: one whose router is dead still takes connections."""
    try:
        return say_hello(BrokerAddress(HOST, port, tls=False), "edgewise-probe") == ACCEPTED
    except NoAnswer:
        return False


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BrokerUnavailable(
                f"{HOST}:{port} cannot be listened on for MQTT ({error.strerror}). Set "
                "EDGEWISE_MQTT_PORT to another port, or to 0 for any, or stop what uses it; with "
                "MQTT_URL a broker of your own is used, and EDGEWISE_BROKER=off goes without."
            ) from error
