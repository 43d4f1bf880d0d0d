"""Takes the platform's signed time, and keeps the floor on disk: see `edge.clock`."""

import logging
from collections.abc import Callable

from edge.agent.state import State, StateFailed
from edge.clock import DeviceClock, NotOurTime
from edge.link.link import Acknowledge, Body, Link
from edge.link.session import Heard
from edge.protocol.signed import CLOCK, NotSigned, PublicKey, opened

KEPT_EVERY = 3_600.0
"""Seconds that the floor on disk may lag behind."""

log = logging.getLogger("edge.clock")


class SignedTime:
    def __init__(self, state: State, link: Link, key: PublicKey, known: Callable[[], None]) -> None:
        self._state, self._session, self._link = state, link.session, link
        self._key, self._known = key, known
        self._kept = kept_floor(state)
        link.on(Heard.CLOCK, self._heard)

    def _heard(self, body: Body, acknowledge: Acknowledge) -> None:
        acknowledge()
        clock = self._session.clock
        try:
            statement = opened(CLOCK, body.get("statement") or {}, self._key)
            clock.told(statement, self._session.address, self._session.boot_id)
        except (NotSigned, NotOurTime, AttributeError) as error:
            self._link.refuse(str(error))
            return
        if abs(clock.offset) > 60:
            log.warning("this machine's clock is off by %.0f s", -clock.offset)
        self._known()
        if clock.floor > self._kept + KEPT_EVERY:
            self._keep(clock)

    def _keep(self, clock: DeviceClock) -> None:
        try:
            self._state.keep("clock", {"floor": clock.floor})
            self._kept = clock.floor
        except StateFailed as error:
            log.warning("the time is not kept: %s", error)


def kept_floor(state: State) -> float:
    """Seconds since 1970; 0 where nothing was kept."""
    return float(state.kept("clock").get("floor", 0.0))
