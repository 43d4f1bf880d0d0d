"""How the agent writes an event: `{"at", "kind", …fields}` as one line of JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from edge.clock import DeviceClock
from edge.protocol.envelope import MOST_DEPTH, depth_of
from edge.store.batch import Batch
from edge.store.log import EventLog
from edge.store.streams import Channel, Priority, Stream

MOST_EVENT_BYTES = 16_384
MOST_EVENT_DEPTH = MOST_DEPTH - 4
"""What the platform would not read must not get into the log: it would be sent for ever."""
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class BadEvent(ValueError):
    """It cannot be logged; the message says why."""


class Journal:
    """`at` is the corrected time; where the platform has not signed it in this run yet, the event
    says so: `"sure": false`."""

    def __init__(self, log: EventLog, clock: DeviceClock) -> None:
        self._log, self._clock = log, clock

    def record(
        self,
        kind: str,
        fields: Mapping[str, Any],
        channel: Channel = Channel.LOG,
        priority: Priority = Priority.NORMAL,
    ) -> Batch:
        """Raises BadEvent, LogRefused."""
        return self._log.append(Stream(channel, priority), self._encoded(kind, fields))

    def record_all(
        self,
        events: Sequence[tuple[str, Mapping[str, Any]]],
        channel: Channel = Channel.LOG,
        priority: Priority = Priority.NORMAL,
    ) -> Batch:
        """Kinds and fields; all or none. Raises BadEvent, LogRefused."""
        encoded = [self._encoded(kind, fields) for kind, fields in events]
        return self._log.extend(Stream(channel, priority), encoded)

    def _encoded(self, kind: str, fields: Mapping[str, Any]) -> bytes:
        event = {"at": 0.0, "kind": kind, **fields}
        event |= {"at": round(self._clock.now(), 6), "kind": kind}
        if not self._clock.sure:
            event["sure"] = False
        if depth_of(event) > MOST_EVENT_DEPTH:
            raise BadEvent(f"an event is nested {MOST_EVENT_DEPTH} deep at most")
        try:
            text = _encode(event).encode()
        except (ValueError, TypeError, RecursionError) as error:
            raise BadEvent(f"the event is no plain JSON: {error}") from None
        if len(text) > MOST_EVENT_BYTES:
            raise BadEvent(f"an event has at most {MOST_EVENT_BYTES:,} bytes, not {len(text):,}")
        return text
