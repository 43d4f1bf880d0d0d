"""The projector of an installation: every view and every policy."""

from application.policies.registry import POLICIES
from application.ports.listening import EVENTS
from application.views.registry import VIEWS
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.following.advance import Handling
from infrastructure.following.follower import Follower
from infrastructure.following.passing import Passing
from infrastructure.following.policy import Reacting
from infrastructure.following.projection import Projection
from infrastructure.observing.following import traced
from interfaces.bootstrap import Installation

WOKEN_AT_LATEST = 30.0
"""Seconds; `Passing` looks every second for whom to wake."""


def start_projector(installation: Installation) -> None:
    """Starts every view and every policy, each in a thread of its own, and one that wakes them."""
    handlings: list[Handling] = [
        *(Projection(view) for view in VIEWS),
        *(Reacting(policy, installation.platform) for policy in POLICIES),
    ]
    followers = [
        Follower(installation.database, handling, TypedMapper(), WOKEN_AT_LATEST)
        for handling in traced(handlings, installation.tracing)
    ]
    passing = Passing(installation.database, followers)
    for looping in (*followers, passing):
        looping.start()
        installation.closing.callback(looping.close)
    installation.listener.subscribe(EVENTS, lambda _: passing.wake())
