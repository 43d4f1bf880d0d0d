"""Reading a whole event log, for tests."""

import json
from collections.abc import Callable
from uuid import UUID

from edge.store.log import EventLog
from tests.patience import PATIENCE

Open = Callable[..., EventLog]


def event(number: int, pad: int = 0) -> bytes:
    return json.dumps({"at": 0, "kind": "test", "number": number, "pad": "x" * pad}).encode()


def everything(log: EventLog) -> dict[UUID, dict[int, dict[str, object]]]:
    """All events by log and number."""
    found: dict[UUID, dict[int, dict[str, object]]] = {}
    for head in log.heads().result(PATIENCE):
        number = head.first
        while piece := log.read(head.log, number, 30_000, 1_000).result(PATIENCE):
            assert piece.first >= number
            for at, content in enumerate(piece.events, piece.first):
                found.setdefault(head.log, {})[at] = json.loads(content)
            number = piece.last + 1
    return found


def numbers(log: EventLog, kind: str = "test") -> list[object]:
    return [
        one["number"]
        for events in everything(log).values()
        for one in events.values()
        if one["kind"] == kind
    ]


def kinds(log: EventLog) -> list[object]:
    return [one["kind"] for events in everything(log).values() for one in events.values()]
