"""The platform's side of MQTT: hears everything, and answers as the protocol says."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edge.protocol.commands import Answer
from edge.protocol.envelope import BadEnvelope, Envelope, decoded, encoded
from edge.protocol.topics import HEARD_FROM_ALL, TELEMETRY, Address, Said, parsed

if TYPE_CHECKING:
    from tests.edge.platform.platform import TestPlatform


class OverMqtt:
    """`takes`: whether telemetry is acknowledged. Records what came, by kind, in order."""

    def __init__(self, platform: "TestPlatform", port: int) -> None:
        self.platform = platform
        self.takes = self.tells_time = True
        self.heard: list[tuple[Said, Envelope]] = []
        self.bad: list[str] = []
        self.answers: dict[UUID, list[Answer]] = {}
        self.events: dict[tuple[str, int], dict[str, Any]] = {}
        self.batches: list[tuple[Said, Mapping[str, Any]]] = []
        self._boot, self._seq, self._lock = uuid4(), 0, threading.Lock()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, f"test-{uuid4()}", protocol=paho.MQTTv5
        )
        self._client.max_inflight_messages_set(1_000)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(topic, 1) for topic in HEARD_FROM_ALL]
        )
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert subscribed.wait(60)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, body: Mapping[str, Any]) -> None:
        with self._lock:
            self._seq += 1
            envelope = Envelope(self._boot, self._seq, self.platform.now(), body)
        self.say_raw(topic, encoded(envelope))

    def say_raw(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1)

    def said(self, kind: Said) -> list[Envelope]:
        return [envelope for one, envelope in list(self.heard) if one is kind]

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        try:
            address, kind, command = parsed(message.topic)
            envelope = decoded(message.payload)
        except (ValueError, BadEnvelope) as error:
            self.bad.append(str(error))
            return
        self.heard.append((kind, envelope))
        if kind is Said.UPDATE_STATUS and command is not None:
            self.platform.releases.reported(command, envelope.body)
        elif kind is Said.UPDATE_WANTED:
            self.platform.releases.asked_for(envelope.body)
        elif command is not None:
            self.answers.setdefault(command, []).append(Answer.of(envelope.body))
        elif kind is Said.STATE and envelope.body.get("online") and self.tells_time:
            self.platform.tell_time(address, envelope.boot_id)
        elif kind is Said.TWIN_WANTED:
            self.platform.send_delta(address)
        elif kind is Said.REPORTED:
            self.platform.take_report(envelope.body)
        elif kind in TELEMETRY:
            self._take(address, kind, envelope.body)

    def _take(self, address: Address, kind: Said, body: Mapping[str, Any]) -> None:
        first, events = body["first"], body["events"]
        self.batches.append((kind, body))
        if not self.takes:
            return
        for number, event in enumerate(events, first):
            self.events[body["log"], number] = event
        self.say(address.taken, {"log": body["log"], "ranges": [[first, first + len(events) - 1]]})
