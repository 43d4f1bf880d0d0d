"""A policy answers an event with a command on another aggregate.

It may see an event again after a crash, so each command it gives must change nothing when repeated.
Policies follow the log once, from wherever they are; no rebuild makes one act again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from application.commands.command import Request
from application.platform import Platform
from application.ports.event_log import RecordedEvent
from domain.aggregate import Event
from domain.principal import system

E = TypeVar("E", bound=Event)
Reaction = Callable[[Platform, Request, Any], None]


@dataclass(frozen=True)
class Policy:
    """A named set of reactions."""

    name: str
    reactions: dict[type[Event], Reaction] = field(default_factory=dict)

    def on(
        self, event_class: type[E]
    ) -> Callable[[Callable[[Platform, Request, E], None]], Callable[[Platform, Request, E], None]]:
        """Registers the reaction to events of this class."""

        def register(
            reaction: Callable[[Platform, Request, E], None],
        ) -> Callable[[Platform, Request, E], None]:
            self.reactions[event_class] = reaction
            return reaction

        return register

    @property
    def topics(self) -> list[str]:
        return sorted(event_class.TOPIC for event_class in self.reactions)

    def react(self, platform: Platform, recorded: RecordedEvent) -> None:
        """Gives the command, caused by the event and in the course of what caused that."""
        event = recorded.event
        reaction = self.reactions.get(type(event))
        if reaction is not None:
            request = Request(
                system(recorded.tenant_id),
                id=event.cause.correlation_id,
                cause=event.reference,
            )
            reaction(platform, request, event)
