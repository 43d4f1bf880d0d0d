"""The answer to “why”: events as links, each with what led to it.

Links are newest first, so an effect comes before its causes: what causes has the lower position.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from application.ports.reads import EventRow


class Tie(StrEnum):
    """How something led to an event: it is its recorded cause, it was used to make it, it began
    the object that it happened to, or it is the request of somebody outside."""

    CAUSE = "CAUSE"
    USED = "USED"
    SUBJECT = "SUBJECT"
    REQUEST = "REQUEST"


@dataclass(frozen=True, slots=True)
class Subject:
    """An object by its kind, its own id and the stream that its events are in. `part` is the
    second half of an id that has two: the artifact of a benchmark."""

    kind: str
    stream: UUID
    id: UUID
    part: UUID | None = None


@dataclass(frozen=True, slots=True)
class Because:
    """What led to an event. `reference` is an event's, `<stream>/<version>`, or else the words that
    its cause was recorded with, such as `request:<id>`; `position` is None where no event of this
    tenant has it."""

    tie: Tie
    reference: str
    position: int | None
    summary: str


@dataclass(frozen=True, slots=True)
class Link:
    """An event in the chain. `explains` names the properties of the object that it set last."""

    event: EventRow
    explains: tuple[str, ...]
    because: tuple[Because, ...]
    summary: str

    @property
    def position(self) -> int:
        return self.event.position

    @property
    def reference(self) -> str:
        return f"{self.event.stream_id}/{self.event.version}"


@dataclass(frozen=True, slots=True)
class Chain:
    """All links, newest first. `complete` is False where there were more than are followed."""

    subject: Subject
    links: tuple[Link, ...]
    complete: bool
