"""`log`: events from scripts, one by its fields or many as lines of JSON."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from edge.cli.asking import NotDone, ask
from edge.cli.printing import say
from edge.home import Home

LINES, BYTES = 5_000, 1 << 20
"""Of standard input at once."""


def log_event(given: argparse.Namespace) -> int:
    home = Home.at(given.home)
    if given.stdin:
        return _log_lines(home, given.priority)
    if given.kind is None:
        raise NotDone("Say a KIND, or --stdin for lines of JSON.")
    fields = dict(_field(text) for text in given.fields)
    asked = {"do": "log", "kind": given.kind, "fields": fields, "priority": given.priority}
    ask(home, asked)
    return 0


def _log_lines(home: Home, priority: str) -> int:
    durable = 0
    for lines in _portions():
        try:
            answer, _ = ask(home, {"do": "log_lines", "priority": priority}, b"".join(lines))
        except NotDone as error:
            raise NotDone(f"{error} ({durable:,} events before these lines are durable)") from None
        durable += answer["events"]
    say(f"{durable:,} events are durable.")
    return 0


def _portions() -> Iterator[list[bytes]]:
    lines: list[bytes] = []
    size = 0
    for line in sys.stdin.buffer:
        if line.strip():
            lines.append(line)
            size += len(line)
        if len(lines) >= LINES or size >= BYTES:
            yield lines
            lines, size = [], 0
    if lines:
        yield lines


def _field(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise NotDone(f"{text[:100]!r} is no key=value")
    if name in ("at", "kind"):
        raise NotDone(f"{name} is the agent's to say; call the field something else")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
