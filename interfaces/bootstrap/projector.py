"""The projector of an installation: every view and every policy."""

from application.policies.registry import POLICIES
from application.ports.listening import EVENTS, Callback
from application.views.registry import VIEWS
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.following.advance import Handling
from infrastructure.following.follower import Follower
from infrastructure.following.policy import Reacting
from infrastructure.following.projection import Projection
from infrastructure.observing.following import traced
from interfaces.bootstrap import Installation


def start_projector(installation: Installation) -> None:
    """Starts every view and every policy, each in a thread of its own."""
    handlings: list[Handling] = [
        *(Projection(view) for view in VIEWS),
        *(Reacting(policy, installation.platform) for policy in POLICIES),
    ]
    for handling in traced(handlings, installation.tracing):
        follower = Follower(installation.database, handling, TypedMapper())
        installation.listener.subscribe(EVENTS, _waking(follower))
        follower.start()
        installation.closing.callback(follower.close)


def _waking(follower: Follower) -> Callback:
    return lambda _: follower.wake()
