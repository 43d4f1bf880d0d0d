"""What one run of the device says on which topic, and what it makes of what it hears. No I/O.

Every message of a run has a number of its own, the will of each connection too, so that the
platform knows which was said first: a will's number is below that of the birth that follows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from edge.clock import DeviceClock
from edge.protocol.envelope import Envelope, decoded, encoded
from edge.protocol.topics import Address, Said


class Heard(StrEnum):
    """What the platform says to a device."""

    DELTA = "twin/delta"
    TAKEN = "telemetry/taken"
    CLOCK = "clock"
    REQUEST = "command/request"
    NOTIFY = "update/notify"


@dataclass(frozen=True, slots=True)
class Saying:
    """A message to be published, QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


class Session:
    """One run of the agent, over any number of connections."""

    def __init__(self, address: Address, clock: DeviceClock, boot_id: UUID | None = None) -> None:
        self.address, self.clock = address, clock
        self.boot_id = boot_id or uuid4()
        self._seq = self._will = 0

    def say(
        self,
        kind: Said,
        body: Mapping[str, Any],
        of: UUID | None = None,
        retain: bool = False,
    ) -> Saying:
        """Raises BadEnvelope."""
        self._seq += 1
        envelope = Envelope(self.boot_id, self._seq, self.clock.now(), body)
        return Saying(self.address.said(kind, of), encoded(envelope), retain)

    def birth(self, facts: Mapping[str, Any], agent: str, started_at: float) -> Saying:
        body = {
            "online": True,
            "agent": agent,
            "started_at": started_at,
            "facts": dict(facts),
            "will": self._will,
        }
        return self.say(Said.STATE, body, retain=True)

    def will(self) -> Saying:
        """What the broker says for the device when the connection is lost."""
        will = self.say(Said.STATE, {"online": False, "reason": "lost"}, retain=True)
        self._will = self._seq
        return will

    def farewell(self) -> Saying:
        return self.say(Said.STATE, {"online": False, "reason": "stopped"}, retain=True)

    def hear(self, topic: str, payload: bytes) -> tuple[Heard, Mapping[str, Any]] | None:
        """What it is and its body; None for a topic that nobody knows. Raises BadEnvelope."""
        kind = self._kind(topic)
        return None if kind is None else (kind, decoded(payload).body)

    def _kind(self, topic: str) -> Heard | None:
        exact = {
            self.address.delta: Heard.DELTA,
            self.address.taken: Heard.TAKEN,
            self.address.clock: Heard.CLOCK,
            self.address.notify: Heard.NOTIFY,
        }
        if kind := exact.get(topic):
            return kind
        begin, _, end = self.address.request("+").partition("+")
        named = topic.startswith(begin) and topic.endswith(end)
        return Heard.REQUEST if named and "/" not in topic[len(begin) : -len(end)] else None
