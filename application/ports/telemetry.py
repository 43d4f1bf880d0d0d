"""Where what devices tell goes that is no decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class TelemetryEvent:
    """`number` counts in the device's log from 1; `at` is the device's clock."""

    number: int
    kind: str
    at: datetime
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TelemetryBatch:
    """What one message brought: events of one log, numbered without a gap."""

    device_id: UUID
    topic: str
    log_id: UUID
    events: Sequence[TelemetryEvent]


class Telemetry(Protocol):
    def store(self, tenant_id: UUID, batches: Sequence[TelemetryBatch]) -> set[UUID]:
        """Makes them durable, all in one transaction; what is there already is left as it is.
        Returns the devices whose events were taken: not those that may not tell anything, for they
        are unknown, cut off, or decommissioned."""
        ...


@dataclass(frozen=True, slots=True)
class TelemetryRow:
    """An event as people see it. `at` is by the device's clock, `received_at` by the platform's."""

    log_id: UUID
    number: int
    topic: str
    kind: str
    at: datetime
    received_at: datetime
    body: dict[str, Any]


class TelemetryReads(Protocol):
    async def telemetry(
        self, device_id: UUID, limit: int, before: datetime | None, kind: str | None
    ) -> list[TelemetryRow]:
        """A device's events, newest first by its own clock; those before a time, or of a kind."""
        ...
