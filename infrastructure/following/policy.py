"""A policy as a follower: commands in order, each before the position moves past its event."""

from collections.abc import Sequence

from psycopg import Connection
from psycopg.rows import DictRow

from application.platform import Platform
from application.policies.policy import Policy
from application.ports.event_log import RecordedEvent


class Reacting:
    """Implements `follower.Handling` for one policy."""

    def __init__(self, policy: Policy, platform: Platform) -> None:
        self._policy, self._platform = policy, platform

    @property
    def name(self) -> str:
        return f"policy:{self._policy.name}"

    @property
    def topics(self) -> Sequence[str]:
        return self._policy.topics

    def handle(self, connection: Connection[DictRow], events: Sequence[RecordedEvent]) -> None:
        for recorded in events:
            self._policy.react(self._platform, recorded)
