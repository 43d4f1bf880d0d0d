"""A policy as a follower: commands in order, each before the position moves past its event."""

from collections.abc import Iterable, Sequence

from psycopg import Connection
from psycopg.rows import DictRow

from application.platform import Platform
from application.policies.policy import Policy
from application.ports.event_log import RecordedEvent

_PATIENCE = "SET LOCAL idle_in_transaction_session_timeout = '30s'"


def follower_name(policy: Policy) -> str:
    """Its name among the followers of the log."""
    return f"policy:{policy.name}"


class Reacting:
    """Implements `advance.Handling` for one policy. A command may take longer than a view's rows,
    and has a connection of its own: the follower's idles meanwhile."""

    at_once = 100

    def __init__(self, policy: Policy, platform: Platform) -> None:
        self._policy, self._platform = policy, platform

    @property
    def name(self) -> str:
        return follower_name(self._policy)

    @property
    def topics(self) -> Sequence[str]:
        return self._policy.topics

    def handle(self, connection: Connection[DictRow], events: Iterable[RecordedEvent]) -> None:
        for recorded in events:
            connection.execute(_PATIENCE)
            self._policy.react(self._platform, recorded)
