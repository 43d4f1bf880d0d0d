"""Every event says who caused it, in which tenant, by what, and in the course of what.

The cause of the work at hand is ambient, as a transaction is: the command layer opens it once with
`acting`, and every event triggered inside carries it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Cause:
    """`causation_id` names the event or request that led here directly (an event is named
    `<stream>/<version>`); `correlation_id` the request that began the whole chain."""

    tenant_id: UUID
    actor: str
    causation_id: str
    correlation_id: str


_current: ContextVar[Cause | None] = ContextVar("cause", default=None)


class NothingIsActing(RuntimeError):
    """An event was triggered outside `acting`: a bug in the calling code."""


def current_cause() -> Cause:
    """The cause of the work at hand. Raises NothingIsActing outside `acting`."""
    cause = _current.get()
    if cause is None:
        raise NothingIsActing("events can only be triggered inside domain.cause.acting(...)")
    return cause


@contextmanager
def acting(cause: Cause) -> Iterator[Cause]:
    """Makes `cause` the cause of every event triggered in the block."""
    token = _current.set(cause)
    try:
        yield cause
    finally:
        _current.reset(token)


@contextmanager
def because_of(reference: str) -> Iterator[Cause]:
    """Makes an event the cause of every event triggered in the block, in the course of what is
    going on anyway."""
    with acting(replace(current_cause(), causation_id=reference)) as cause:
        yield cause
