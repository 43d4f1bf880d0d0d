"""MQTT clients of tests: what they sent and heard, in order, to be waited for."""

import ssl
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as paho

from tests.patience import PATIENCE, eventually


@dataclass
class Heard:
    topic: str
    payload: bytes
    retained: bool


@dataclass
class TestClient:
    """A paho client in a thread of its own, speaking MQTT 3.1.1."""

    __test__ = False

    host: str
    port: int
    client_id: str
    tls: ssl.SSLContext | None = None
    clean: bool = True
    will: tuple[str, bytes] | None = None
    version: int = paho.MQTTv311
    heard: list[Heard] = field(default_factory=list)
    sessions: list[bool] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    granted: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        more = {} if self.version == paho.MQTTv5 else {"clean_session": self.clean}
        self.client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=self.client_id,
            protocol=self.version,  # type: ignore[arg-type]
            reconnect_on_failure=False,
            **more,  # type: ignore[arg-type]
        )
        if self.tls is not None:
            self.client.tls_set_context(self.tls)
        if self.will is not None:
            self.client.will_set(*self.will, 1, True)
        self.client.on_connect = self._connected
        self.client.on_message = self._message
        self.client.on_disconnect = self._ended
        self.client.on_subscribe = lambda *given: self.granted.append(given[3])

    def connect(self) -> "TestClient":
        """Connected, or an error: of TLS, or ConnectionError with what the broker said."""
        ended = len(self.ends)
        self.client.connect(self.host, self.port, keepalive=60)
        self.client.loop_start()
        eventually(lambda: self.is_connected or len(self.ends) > ended)
        if not self.is_connected:
            self.client.loop_stop()
            raise ConnectionError(self.ends[-1])
        return self

    @property
    def is_connected(self) -> bool:
        return bool(self.client.is_connected())

    def subscribe(self, *topics: str) -> "TestClient":
        granted = len(self.granted)
        self.client.subscribe([(topic, 1) for topic in topics])
        eventually(lambda: len(self.granted) > granted)
        return self

    def publish(self, topic: str, payload: bytes | str, retain: bool = False) -> None:
        """Acknowledged by the broker, which says nothing of whether it was allowed."""
        info = self.client.publish(topic, payload, 1, retain)
        info.wait_for_publish(PATIENCE)
        assert info.is_published()

    def drop(self) -> None:
        """The connection breaks, without a goodbye."""
        connection = self.client.socket()
        if connection is not None:
            connection.shutdown(2)
        self.client.loop_stop()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def payloads(self, topic: str | None = None) -> list[bytes]:
        return [one.payload for one in list(self.heard) if topic in (None, one.topic)]

    def _connected(self, _client: Any, _data: Any, flags: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            self.ends.append(str(reason))
        else:
            self.sessions.append(flags.session_present)

    def _message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self.heard.append(Heard(message.topic, message.payload, message.retain))

    def _ended(self, _client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        self.ends.append(str(reason))
