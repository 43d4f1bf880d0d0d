"""Telemetry that came together, stored together; each log is told which of its numbers are safe."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from application.gateway.dropping import Drops
from application.gateway.telling import Message, Telling
from application.platform import Platform
from application.ports.telemetry import Telemetry, TelemetryBatch, TelemetryEvent
from edge.protocol.bodies import LONGEST_KIND, MOST_EVENTS
from edge.protocol.envelope import BadEnvelope, Envelope
from edge.protocol.topics import Address, Said

MOST_AT_ONCE = 20_000
"""Events in one transaction."""


@dataclass(frozen=True, slots=True)
class Told:
    """One message of telemetry."""

    address: Address
    kind: Said
    envelope: Envelope


class TelemetryKeeper:
    """`keep` may be called from several threads."""

    def __init__(
        self, platform: Platform, telemetry: Telemetry, telling: Telling, drops: Drops
    ) -> None:
        self._platform, self._telemetry = platform, telemetry
        self._telling, self._drops = telling, drops

    def keep(self, told: Sequence[Told]) -> list[Message]:
        """What is to be answered: an acknowledgement to each log."""
        by_tenant: dict[UUID, list[TelemetryBatch]] = {}
        for one in told:
            try:
                batch = _batch(one)
            except BadEnvelope as error:
                self._drops.count("malformed", one.address.user_name, str(error))
            else:
                by_tenant.setdefault(one.address.tenant, []).append(batch)
        return [
            answer
            for tenant_id, batches in by_tenant.items()
            for portion in _portions(batches)
            for answer in self._store(tenant_id, portion)
        ]

    def _store(self, tenant_id: UUID, batches: Sequence[TelemetryBatch]) -> Iterator[Message]:
        taken = self._telemetry.store(tenant_id, batches)
        safe: dict[tuple[UUID, UUID], list[tuple[int, int]]] = {}
        for one in batches:
            if one.device_id in taken:
                numbers = (one.events[0].number, one.events[-1].number)
                safe.setdefault((one.device_id, one.log_id), []).append(numbers)
            else:
                self._drops.count("cut off", Address(tenant_id, one.device_id).user_name)
        now = self._platform.now()
        for (device_id, log_id), ranges in safe.items():
            yield self._telling.taken(Address(tenant_id, device_id), log_id, ranges, now)


def _portions(batches: Sequence[TelemetryBatch]) -> Iterator[list[TelemetryBatch]]:
    portion: list[TelemetryBatch] = []
    size = 0
    for one in batches:
        if portion and size + len(one.events) > MOST_AT_ONCE:
            yield portion
            portion, size = [], 0
        portion.append(one)
        size += len(one.events)
    if portion:
        yield portion


def _batch(told: Told) -> TelemetryBatch:
    """Raises BadEnvelope."""
    body = told.envelope.body
    events, first = body.get("events"), body.get("first")
    if type(first) is not int or not 0 < first < 2**53:
        raise BadEnvelope("first is not a number from 1 on")
    if type(events) is not list or not 1 <= len(events) <= MOST_EVENTS:
        raise BadEnvelope(f"events are not a list of 1 to {MOST_EVENTS:,}")
    try:
        log_id = UUID(body["log"])
        read = [_event(first + place, event) for place, event in enumerate(events)]
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, OSError):
        raise BadEnvelope("the log or one of the events is not as it should be") from None
    return TelemetryBatch(told.address.device, told.kind, log_id, read)


def _event(number: int, event: Any) -> TelemetryEvent:
    kind, at = event["kind"], event["at"]
    if not isinstance(kind, str) or not 1 <= len(kind) <= LONGEST_KIND:
        raise ValueError(kind)
    body = {name: value for name, value in event.items() if name not in ("kind", "at")}
    return TelemetryEvent(number, kind, datetime.fromtimestamp(float(at), UTC), body)
