"""What a device told: load and memory, inference, and what programs on it logged."""

from datetime import datetime
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from application.ports.telemetry import TelemetryRow
from interfaces.graphql.batching import Batched, Present
from interfaces.graphql.paging import checked_paging
from interfaces.graphql.reading import checked_text
from interfaces.graphql.scalars import BigInt


@strawberry.type(
    description="An event out of the device's own log, in which it has a number. `at` is by the"
    " device's clock, `receivedAt` by the platform's; `source` is SYS, MODEL or LOG."
)
class DeviceTelemetry:
    at: datetime
    received_at: datetime
    source: str
    kind: str
    body: JSON
    log_id: str
    number: BigInt

    @classmethod
    def of(cls, row: TelemetryRow) -> "DeviceTelemetry":
        return cls(
            at=row.at,
            received_at=row.received_at,
            source=row.topic.rpartition("/")[2].upper(),
            kind=row.kind,
            body=JSON(row.body),
            log_id=str(row.log_id),
            number=BigInt(row.number),
        )


async def telemetry_of(
    rows: Batched, device_id: UUID, first: int, before: datetime | None, kind: str | None
) -> list[DeviceTelemetry]:
    """Newest first. Telemetry is no decision and has no past of its own: of a device of the past
    there is none."""
    count = checked_paging(first, None, None, None).count
    if not isinstance(rows, Present):
        return []
    wanted = None if kind is None else checked_text("kind", kind)
    found = await rows.reads.telemetry(device_id, count, before, wanted)
    return [DeviceTelemetry.of(row) for row in found]
