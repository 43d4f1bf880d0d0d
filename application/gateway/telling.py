"""Messages to devices. Commands and the time are signed statements that name the device."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.device import Device
from domain.device_command import OpenCommand
from edge.protocol import signed
from edge.protocol.commands import Command, CommandKind
from edge.protocol.envelope import Envelope, encoded
from edge.protocol.topics import Address
from edge.protocol.updates import Offer


@dataclass(frozen=True, slots=True)
class Message:
    """QoS 1, never retained."""

    topic: str
    payload: bytes


class Telling:
    """One process's voice: `boot_id` and the count of its envelopes are its own."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key, self._boot_id, self._count = key, uuid4(), itertools.count(1)

    def clock(self, address: Address, boot_id: UUID, now: datetime) -> Message:
        """The time, for this session alone: an old one cannot be played to it."""
        statement = {
            "tenant": str(address.tenant),
            "device": str(address.device),
            "boot_id": str(boot_id),
            "time": now.timestamp(),
        }
        body = {"statement": signed.signed(signed.CLOCK, statement, self._key)}
        return self._message(address.clock, body, now)

    def delta(self, address: Address, device: Device, now: datetime) -> Message:
        body = {
            "version": device.desired_version,
            "desired": device.desired,
            "reported_version": device.reported_version,
        }
        return self._message(address.delta, body, now)

    def command(self, address: Address, sent: OpenCommand, now: datetime) -> Message:
        command = Command(
            address,
            sent.id,
            CommandKind(sent.kind),
            sent.arguments,
            sent.sent_at.timestamp(),
            sent.expires_at.timestamp(),
        )
        statement = signed.signed(signed.COMMAND, command.statement(), self._key)
        return self._message(address.request(command.id), {"statement": statement}, now)

    def update(self, address: Address, offer: Offer | None, now: datetime) -> Message:
        """Its one current offer; None says that there is none."""
        statement = (
            None if offer is None else signed.signed(signed.OFFER, offer.statement(), self._key)
        )
        return self._message(address.notify, {"statement": statement}, now)

    def taken(
        self, address: Address, log_id: UUID, ranges: Sequence[tuple[int, int]], now: datetime
    ) -> Message:
        """These numbers of a log are durable, first and last included."""
        body = {"log": str(log_id), "ranges": [list(one) for one in ranges]}
        return self._message(address.taken, body, now)

    def greeting(
        self, address: Address, device: Device, boot_id: UUID, now: datetime
    ) -> list[Message]:
        """What a device has to know at its birth: the time, and the commands that it has not
        answered. What is desired of it, it asks for itself."""
        unanswered = [one for one in device.commands.values() if one.expires_at > now]
        return [
            self.clock(address, boot_id, now),
            *(self.command(address, one, now) for one in unanswered),
        ]

    def _message(self, topic: str, body: Mapping[str, Any], now: datetime) -> Message:
        envelope = Envelope(self._boot_id, next(self._count), now.timestamp(), body)
        return Message(topic, encoded(envelope))
