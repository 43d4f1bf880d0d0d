"""Streams of events. Each (channel, priority) is a log of its own, with a UUID of its own in which
its events are numbered from 1: so what is important can overtake the rest, and what is dropped for
want of room leaves no holes among what is kept.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from edge.protocol.topics import Said


class Channel(StrEnum):
    """Which telemetry topic the events go to."""

    SYS = "sys"
    MODEL = "model"
    LOG = "log"

    @property
    def said(self) -> Said:
        return Said(f"telemetry/{self.value}")


class Priority(IntEnum):
    """HIGH and above go at once in HYBRID mode, and are kept longest."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True)
class Stream:
    channel: Channel
    priority: Priority


LOUD = Stream(Channel.SYS, Priority.CRITICAL)
"""Where the log speaks of its own losses."""
