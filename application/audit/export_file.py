"""An export: events as they are stored, one JSON object a line, between a header and a checkpoint.

    {"format": "edgewise.export.1", "tenant": null}
    {"position": 1, "stream": "…", "version": 1, "topic": "…", "tenant": "…", "recorded_at": "…",
     "state": "…", "stream_hash": "<hex>", "log_hash": "<hex>"}
    …
    {"format": "edgewise.checkpoint.1", …}

`state` is the very text that was stored, a string with JSON in it and not JSON itself, because its
bytes are what is hashed; a state that is no UTF-8 is in `state_base64`. The file is verified with
what is in it and the public key of the installation, without a server.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO, Any
from uuid import UUID

from application.audit.chain import NO_HASH, ChainedEvent, log_hash
from application.audit.checkpoint import FORMAT as CHECKPOINT
from application.audit.checkpoint import Checkpoint, nothing_yet

FORMAT = "edgewise.export.1"
_LARGEST = 2**63


class BadExport(ValueError):
    """A file that is no export, or not a whole one; the message names the line."""


class Exporting:
    """What an export says of itself: its header, and the checkpoint up to what was taken."""

    def __init__(self, tenant_id: UUID | None, time: datetime) -> None:
        self._tenant_id = tenant_id
        self.checkpoint = nothing_yet(time, tenant_id)

    @property
    def header(self) -> dict[str, Any]:
        tenant = None if self._tenant_id is None else str(self._tenant_id)
        return {"format": FORMAT, "tenant": tenant}

    def take(self, event: ChainedEvent) -> ChainedEvent:
        """The next event, as it is exported: a tenant's log is that of its own events."""
        before = self.checkpoint
        if self._tenant_id is not None:
            event = replace(event, log_hash=log_hash(before.hash, event.stream_hash))
        self.checkpoint = Checkpoint(
            event.position, event.log_hash, before.count + 1, before.time, self._tenant_id
        )
        return event


def exported(event: ChainedEvent) -> dict[str, Any]:
    """An event as an object of the file."""
    return {
        "position": event.position,
        "stream": str(event.stream),
        "version": event.version,
        "topic": event.topic,
        "tenant": str(event.tenant_id),
        "recorded_at": event.recorded_at.astimezone(UTC).isoformat(),
        **_state(event.state),
        "stream_hash": event.stream_hash.hex(),
        "log_hash": event.log_hash.hex(),
    }


class ExportReading:
    """Reads an export. `tenant_id` is known at once, `checkpoint` (not verified yet) after the
    last event. Raises BadExport."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self._number = enumerate(lines, 1), 1
        header = self._next_object()
        if header is None or header.get("format") != FORMAT:
            raise BadExport(f"This is no export: its first line has no format “{FORMAT}”.")
        try:
            self.tenant_id = None if header["tenant"] is None else UUID(header["tenant"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadExport("line 1: “tenant” is neither null nor an id.") from error
        self.checkpoint: dict[str, Any] | None = None

    def events(self) -> Iterator[ChainedEvent]:
        while (plain := self._next_object()) is not None:
            if plain.get("format") == CHECKPOINT:
                self.checkpoint = plain
                if self._next_object() is not None:
                    raise BadExport(f"line {self._number}: something follows the checkpoint.")
                return
            yield self._event(plain)
        raise BadExport("The file ends without a checkpoint: it was cut off.")

    def _next_object(self) -> dict[str, Any] | None:
        for number, line in self._lines:
            self._number = number
            try:
                plain = json.loads(line)
            except ValueError as error:
                raise BadExport(f"line {number} is no JSON: {error}.") from error
            if not isinstance(plain, dict):
                raise BadExport(f"line {number} is no JSON object.")
            return plain
        return None

    def _event(self, plain: dict[str, Any]) -> ChainedEvent:
        try:
            event = ChainedEvent(
                position=_whole(plain["position"]),
                stream=UUID(plain["stream"]),
                version=_whole(plain["version"]),
                topic=str(plain["topic"]),
                state=_bytes(plain),
                tenant_id=UUID(plain["tenant"]),
                recorded_at=datetime.fromisoformat(plain["recorded_at"]).astimezone(UTC),
                stream_hash=_hash(plain["stream_hash"]),
                log_hash=_hash(plain["log_hash"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise BadExport(f"line {self._number} is no event: {error!r}.") from error
        if self.tenant_id not in (None, event.tenant_id):
            raise BadExport(f"line {self._number} is an event of another tenant.")
        return event


def last_object(file: IO[str]) -> object:
    """The last line of an export. Raises BadExport."""
    last = ""
    for line in file:
        last = line
    try:
        return json.loads(last)
    except ValueError as error:
        raise BadExport("The file ends without a checkpoint: it was cut off.") from error


def _state(state: bytes) -> dict[str, str]:
    try:
        return {"state": state.decode()}
    except UnicodeDecodeError:
        return {"state_base64": base64.b64encode(state).decode()}


def _bytes(plain: dict[str, Any]) -> bytes:
    if "state_base64" in plain:
        return base64.b64decode(plain["state_base64"], validate=True)
    state: str = plain["state"]
    return state.encode()


def _whole(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < _LARGEST:
        raise ValueError(f"{value} is no position or version")
    return value


def _hash(text: str) -> bytes:
    hash = bytes.fromhex(text)
    if len(hash) != len(NO_HASH):
        raise ValueError(f"{text} is no SHA-256")
    return hash
