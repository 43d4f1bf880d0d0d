"""Telemetry in PostgreSQL: an event is known by its number in its device's log, and kept once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from application.ports.telemetry import TelemetryBatch
from application.shown import shown
from infrastructure.postgres.database import Database

_MAY_TELL = """
SELECT id FROM devices
WHERE id = ANY(%s) AND certificate_serial IS NOT NULL AND NOT decommissioned
"""
_STORE = """
INSERT INTO telemetry (tenant_id, device_id, log_id, number, topic, kind, at, body)
SELECT %s, told.*
FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[],
            %s::jsonb[]) AS told
ON CONFLICT (device_id, log_id, number) DO NOTHING
"""


class PostgresTelemetry:
    """Implements `application.ports.telemetry.Telemetry`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, tenant_id: UUID, batches: Sequence[TelemetryBatch]) -> set[UUID]:
        asked = list({one.device_id for one in batches})
        with self._database.tenant(tenant_id) as connection:
            rows = connection.execute(_MAY_TELL, (asked,)).fetchall()
            may = {row["id"] for row in rows}
            if may:
                connection.execute(_STORE, (tenant_id, *_columns(batches, may)))
        return may


def _columns(batches: Sequence[TelemetryBatch], may: set[UUID]) -> list[list[Any]]:
    """In the order of their key, so that two gateways that store the same wait and do not lock each
    other out."""
    rows = [
        (
            batch.device_id,
            batch.log_id,
            event.number,
            batch.topic,
            shown(event.kind),
            event.at,
            orjson.dumps(shown(event.body)).decode(),
        )
        for batch in batches
        if batch.device_id in may
        for event in batch.events
    ]
    rows.sort(key=lambda row: row[:3])
    return [list(column) for column in zip(*rows, strict=True)]
