"""Tracing: one trace holds everything that follows from one request, in whatever process and
whenever it happens.

The trace is derived from the correlation id and an event's span from the event's reference, so who
reads an event knows the span to go on from, and nothing is stored for it. Only a message that is no
event carries a W3C traceparent along.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from domain.aggregate import Event

Fact = str | int | float
Kind = Literal["internal", "server", "producer", "consumer"]
Note = Callable[[str, Fact], None]
"""Adds a fact to a span that is open."""


@dataclass(frozen=True, slots=True)
class After:
    """What led here: a request, by its correlation id; where known the event
    (`<stream>/<version>`) of its course, or the span that a message names."""

    correlation_id: str
    reference: str | None = None
    traceparent: str | None = None


class Tracing(Protocol):
    """Spans go where the adapter sends them; a failure to send is never the caller's."""

    def span(
        self, name: str, after: After | None = None, kind: Kind = "internal", **facts: Fact
    ) -> AbstractContextManager[Note]:
        """A span around the block, inside the one that is open here, else after `after`."""
        ...

    def past(self, name: str, after: After, began: float, **facts: Fact) -> None:
        """A span of something that is over; it began at this time of the wall clock."""
        ...

    def happened(self, event: Event) -> None:
        """The event was saved: its span, which later ones may follow."""
        ...

    def traceparent(self) -> str | None:
        """The span that is open here, for a message to carry."""
        ...


class Untraced:
    """Tracing without anybody to send to."""

    @contextmanager
    def span(
        self, name: str, after: After | None = None, kind: Kind = "internal", **facts: Fact
    ) -> Iterator[Note]:
        yield _unnoted

    def past(self, name: str, after: After, began: float, **facts: Fact) -> None: ...

    def happened(self, event: Event) -> None: ...

    def traceparent(self) -> str | None:
        return None


def _unnoted(name: str, fact: Fact) -> None:
    pass


UNTRACED = Untraced()
