"""Walking from what made an object's state back to what led to it, level by level.

An event is visited once, and a cause is always older than its effect: no chain goes in circles,
whatever was recorded. A walk follows 1,000 events at most, and reads 200,000 at most to find them.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from application.as_of import EVENTS_AT_ONCE
from application.ports.event_log import RecordedEvent
from application.ports.reads import EventRow, TenantReads
from application.views.tenant import ApiKeyRow
from application.why.chain import Because, Chain, Link, Subject, Tie
from application.why.provenance import Provenance
from application.why.sentences import Sentences
from application.why.ties import ToEvent, ToThing, thing_made, ties_of

MOST_LINKS = 1_000
MOST_READ = 200_000
NAMED_AT_ONCE = 200


async def why(reads: TenantReads, subject: Subject, until: int) -> Chain | None:
    """The chain behind an object's state at a position; None where it was not there."""
    walk = _Walk(reads, until)
    explains = await walk.settled(subject)
    if not explains:
        return None
    await walk.back_from(explains)
    told = Sentences(walk.rows.values(), await _labels(reads, walk.rows.values()))
    links = [
        Link(row, tuple(explains.get(reference, ())), walk.because(row, told), told.of(row))
        for reference, row in walk.rows.items()
    ]
    ordered = sorted(links, key=lambda link: link.position, reverse=True)
    return Chain(subject, tuple(ordered), walk.complete)


async def _labels(reads: TenantReads, rows: Iterable[EventRow]) -> Mapping[str, str]:
    """The labels of the API keys that acted, by actor."""
    ids = {UUID(row.actor[4:]) for row in rows if _is_key(row.actor)}
    found = await reads.find(ApiKeyRow, "id", ids) if ids else []
    return {f"key:{row.id}": row.label for row in found}


def _is_key(actor: str) -> bool:
    return actor.startswith("key:") and len(actor) == 40


@dataclass
class _Walk:
    reads: TenantReads
    until: int
    rows: dict[str, EventRow] = field(default_factory=dict)
    complete: bool = True
    _made: dict[UUID, dict[str, str]] = field(default_factory=dict)
    _read: int = 0

    async def settled(self, subject: Subject) -> dict[str, list[str]]:
        """The events that made the state, and what of it each set."""
        provenance = Provenance()
        await self._each(subject.stream, provenance.fold)
        found, positions = provenance.of(subject), provenance.positions
        newest = sorted(found, key=lambda reference: positions[reference], reverse=True)
        self.complete = self.complete and len(newest) <= MOST_LINKS
        return {reference: found[reference] for reference in newest[:MOST_LINKS]}

    async def back_from(self, references: Collection[str]) -> None:
        """Follows the ties of these events, and of those they lead to."""
        level = set(references)
        while level:
            room = MOST_LINKS - len(self.rows)
            found = await self._named(list(level))
            newest = sorted(found.items(), key=lambda item: item[1].position, reverse=True)
            kept = {name: row for name, row in newest if row.position <= self.until}
            if len(kept) > room:
                self.complete = False
                kept = dict(list(kept.items())[:room])
            self.rows.update(kept)
            await self._look_up(kept.values())
            level = {
                reference
                for row in kept.values()
                for tie, reference in self._parents(row)
                if tie is not Tie.REQUEST and reference not in self.rows
            }
            if len(self.rows) >= MOST_LINKS and level:
                self.complete = False
                return

    async def _named(self, references: list[str]) -> dict[str, EventRow]:
        """In parts: reading many events takes long, and others want the event loop too."""
        found: dict[str, EventRow] = {}
        for start in range(0, len(references), NAMED_AT_ONCE):
            found |= await self.reads.named(references[start : start + NAMED_AT_ONCE])
        return found

    def because(self, row: EventRow, told: Sentences) -> tuple[Because, ...]:
        """What led to the event, oldest last; what is younger than it cannot have."""
        found = []
        for tie, reference in self._parents(row):
            parent = self.rows.get(reference)
            if tie is Tie.REQUEST:
                found.append(Because(tie, reference, None, told.request(row)))
            elif parent is None:
                found.append(Because(tie, reference, None, f"the event {reference}"))
            elif parent.position < row.position:
                found.append(Because(tie, reference, parent.position, told.of(parent)))
        return tuple(found)

    def _parents(self, row: EventRow) -> list[tuple[Tie, str]]:
        found: dict[str, Tie] = {}
        for tie in ties_of(row):
            if isinstance(tie, ToEvent):
                found.setdefault(tie.reference, tie.tie)
            elif (made := self._made.get(tie.stream, {}).get(tie.thing)) is not None:
                found.setdefault(made, tie.tie)
        return [(tie, reference) for reference, tie in found.items()]

    async def _look_up(self, rows: Iterable[EventRow]) -> None:
        """Reads the streams in which things were made that these events used."""
        streams = {tie.stream for row in rows for tie in ties_of(row) if isinstance(tie, ToThing)}
        for stream in streams - self._made.keys():
            made = self._made[stream] = {}

            def note(events: Iterable[RecordedEvent], made: dict[str, str] = made) -> None:
                for recorded in events:
                    if (thing := thing_made(recorded)) is not None:
                        made[thing] = recorded.event.reference

            await self._each(stream, note)

    async def _each(self, stream: UUID, take: Callable[[list[RecordedEvent]], None]) -> None:
        after = 0
        while self._read < MOST_READ:
            events = await self.reads.streams([stream], after, self.until, EVENTS_AT_ONCE)
            await asyncio.to_thread(take, list(events))
            self._read += len(events)
            if len(events) < EVENTS_AT_ONCE:
                return
            after = events[-1].position
        self.complete = False
