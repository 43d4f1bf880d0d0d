"""Events of programs on this machine: one, or many as lines of JSON; answered when they are
durable."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from edge.agent.local import Do, Reply
from edge.protocol.bodies import LONGEST_KIND
from edge.store.journal import BadEvent, Journal
from edge.store.streams import Channel, Priority

MOST_LINES = 10_000


def recording(journal: Journal) -> Mapping[str, Do]:
    """By name."""

    async def log_event(asked: Mapping[str, Any], _: bytes) -> Reply:
        kind, fields = _checked(asked.get("kind"), asked.get("fields", {}))
        batch = journal.record(kind, fields, Channel.LOG, _priority(asked))
        written = await asyncio.wrap_future(batch.done)
        return {"log": str(written.log)}, b""

    async def log_lines(asked: Mapping[str, Any], payload: bytes) -> Reply:
        """All of them or none."""
        priority = _priority(asked)
        lines = payload.splitlines()
        if not 1 <= len(lines) <= MOST_LINES:
            raise BadEvent(f"1 to {MOST_LINES:,} lines at once")
        events = [_line(number, line) for number, line in enumerate(lines, 1)]
        batch = journal.record_all(events, Channel.LOG, priority)
        await asyncio.wrap_future(batch.done)
        return {"events": len(events)}, b""

    return {"log": log_event, "log_lines": log_lines}


def _line(number: int, line: bytes) -> tuple[str, Mapping[str, Any]]:
    try:
        document = json.loads(line)
        fields = {name: value for name, value in document.items() if name != "kind"}
        return _checked(document.get("kind"), fields)
    except (ValueError, AttributeError, RecursionError) as error:
        raise BadEvent(f"line {number}: {error}") from None


def _checked(kind: Any, fields: Any) -> tuple[str, Mapping[str, Any]]:
    named = isinstance(kind, str) and 1 <= len(kind) <= LONGEST_KIND
    if not named or not isinstance(fields, dict):
        raise BadEvent(f"an event has a kind of 1 to {LONGEST_KIND} characters, and fields")
    return kind, fields


def _priority(asked: Mapping[str, Any]) -> Priority:
    try:
        return Priority[str(asked.get("priority", "normal")).upper()]
    except KeyError:
        raise BadEvent("priority is one of low, normal, high, critical") from None
