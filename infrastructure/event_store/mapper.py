"""Between domain events and the JSON that is stored: typed by the event's own annotations.

The stored state is plain, readable JSON. An event written by an older version of its class is
brought forward first: `upcast_vN_vN+1` changes the decoded JSON, before it is given its types.
"""

import dataclasses
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, get_type_hints
from uuid import UUID

import orjson
from eventsourcing.domain import DomainEventProtocol, Snapshot
from eventsourcing.persistence import (
    Mapper,
    MapperDeserialisationError,
    StoredEvent,
    Transcoder,
)
from eventsourcing.utils import get_topic, resolve_topic

from application.plain_json import CONVERTER
from domain.cause import Cause

_CONVERTER = CONVERTER.copy()
_OWN_COLUMNS = ("originator_id", "originator_version")


class JsonTranscoder(Transcoder):
    """JSON by orjson."""

    def encode(self, obj: Any) -> bytes:
        return orjson.dumps(obj)

    def decode(self, data: bytes) -> Any:
        return orjson.loads(data)


class TypedMapper(Mapper[UUID]):
    """Maps events and snapshots by the types they declare."""

    def __init__(self) -> None:
        super().__init__(JsonTranscoder())
        self._converter = _CONVERTER

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        if isinstance(domain_event, Snapshot):
            domain_event = self._plain_snapshot(domain_event)
        state = self._converter.unstructure(domain_event)
        for column in _OWN_COLUMNS:
            state.pop(column)
        class_version = getattr(type(domain_event), "class_version", 1)
        if class_version > 1:
            state["class_version"] = class_version
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=get_topic(type(domain_event)),
            state=self.transcoder.encode(state),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        cls: type[DomainEventProtocol[UUID]] = resolve_topic(stored_event.topic)
        try:
            state = self.transcoder.decode(stored_event.state)
            _upcast(cls, state)
            state["originator_id"] = stored_event.originator_id
            state["originator_version"] = stored_event.originator_version
            event = self._converter.structure(state, cls)
        except Exception as error:
            raise MapperDeserialisationError(
                f"event {stored_event.originator_id}/{stored_event.originator_version} "
                f"({stored_event.topic}) cannot be read: {error}"
            ) from error
        return self._typed_snapshot(event) if isinstance(event, Snapshot) else event

    def _plain_snapshot(self, snapshot: Snapshot) -> Snapshot:
        hints = _state_types(snapshot.topic)
        state = {
            key: self._converter.unstructure(value, unstructure_as=hints.get(key))
            for key, value in snapshot.state.items()
        }
        return dataclasses.replace(snapshot, state=state)

    def _typed_snapshot(self, snapshot: Snapshot) -> Snapshot:
        hints = _state_types(snapshot.topic)
        state = {
            key: self._converter.structure(value, hints[key]) if key in hints else value
            for key, value in snapshot.state.items()
        }
        return dataclasses.replace(snapshot, state=state)


def _upcast(cls: type[object], state: dict[str, Any]) -> None:
    version = state.pop("class_version", 1)
    for older in range(version, getattr(cls, "class_version", 1)):
        getattr(cls, f"upcast_v{older}_v{older + 1}")(state)


@cache
def _state_types(topic: str) -> dict[str, Any]:
    aggregate_class = resolve_topic(topic)
    return {
        **get_type_hints(aggregate_class),
        "_created_on": datetime,
        "_modified_on": datetime,
    }


def _share_causes() -> None:
    """What happens in the course of one request has one cause: it is made once, not per event."""
    structure = _CONVERTER.get_structure_hook(Cause)

    @lru_cache(maxsize=4096)
    def shared(*items: tuple[str, str]) -> Cause:
        cause: Cause = structure(dict(items), Cause)
        return cause

    _CONVERTER.register_structure_hook(Cause, lambda data, _: shared(*data.items()))


_share_causes()
