"""A view turns each event into changes of rows, and does nothing else.

A view is pure: the same events give the same rows, in PostgreSQL, in memory, today or replayed.
That is how a table is projected, how an object is shown as it was at an earlier moment, and how
a replay can be compared with the live tables.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from application.ports.event_log import RecordedEvent
from domain.aggregate import Event

E = TypeVar("E", bound=Event)
Columns = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Insert:
    """A new row, or one that takes the place of a row with the same key."""

    table: str
    row: Columns


@dataclass(frozen=True, slots=True)
class Update:
    """New values for some columns of the row with this key; nothing where there is no such row."""

    table: str
    key: Columns
    columns: Columns


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes all rows with these values."""

    table: str
    match: Columns


Change = Insert | Update | Delete
Handler = Callable[[Any, RecordedEvent], Iterable[Change]]


@dataclass(frozen=True)
class View:
    """`tables` maps each table that the view writes to the columns of its key. `live` tables hold
    operational rows: the view feeds them once, and a rebuild leaves them alone."""

    name: str
    tables: Mapping[str, tuple[str, ...]]
    live: bool = False
    handlers: dict[type[Event], Handler] = field(default_factory=dict)

    def on(
        self, event_class: type[E]
    ) -> Callable[
        [Callable[[E, RecordedEvent], Iterable[Change]]],
        Callable[[E, RecordedEvent], Iterable[Change]],
    ]:
        """Registers what an event of this class changes."""

        def register(
            handler: Callable[[E, RecordedEvent], Iterable[Change]],
        ) -> Callable[[E, RecordedEvent], Iterable[Change]]:
            self.handlers[event_class] = handler
            return handler

        return register

    @property
    def topics(self) -> list[str]:
        """The topics of the events that change something."""
        return sorted(event_class.TOPIC for event_class in self.handlers)

    def changes(self, recorded: RecordedEvent) -> Iterator[Change]:
        """The changes that one event makes, in order."""
        handler = self.handlers.get(type(recorded.event))
        if handler is not None:
            yield from handler(recorded.event, recorded)
