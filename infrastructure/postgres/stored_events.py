"""A stored event as people may see it: its own JSON, without what all events carry.

The JSON is shown as it was stored, also when no code of today can read it: the story of an object
must be readable even where a view has stopped at it.
"""

from datetime import datetime
from typing import Any

import orjson
from psycopg.rows import DictRow

from application.ports.reads import EventRow

_CARRIED_BY_ALL = ("cause", "timestamp", "class_version", "request_hash")
_SECRET = {"tenant.api-key-issued": ("sha256",)}


def event_row(row: DictRow) -> EventRow:
    """The row of the events table, read without the types of its event."""
    state: dict[str, Any] = orjson.loads(bytes(row["state"]))
    cause = state["cause"]
    hidden = (*_CARRIED_BY_ALL, *_SECRET.get(row["topic"], ()))
    return EventRow(
        position=row["position"],
        stream_id=row["originator_id"],
        version=row["originator_version"],
        topic=row["topic"],
        recorded_at=row["recorded_at"],
        occurred_at=datetime.fromisoformat(state["timestamp"]),
        actor=cause["actor"],
        causation_id=cause["causation_id"],
        correlation_id=cause["correlation_id"],
        data={name: value for name, value in state.items() if name not in hidden},
    )
