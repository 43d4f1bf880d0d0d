"""The device's idea of the platform's time: what a wrong clock may not spoil.

A device may have no battery for its clock, and one a year off in either direction. Three things
tell more than the clock of the system does: a floor below which no time is believed (the release of
this agent, and the last signed time seen, kept on disk); a signed CLOCK statement for this very run
(boot_id), from which time goes on monotonically; and a signed command's `issued_at`, which has
passed. Does no I/O.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from edge.protocol.topics import Address
from edge.version import RELEASED


class NotOurTime(ValueError):
    """A clock statement for another device or another run: a replay, perhaps."""


class DeviceClock:
    """Times are in seconds since 1970. `system` and `monotonic` are the machine's clocks."""

    def __init__(
        self,
        floor: float = RELEASED,
        system: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._system, self._monotonic = system, monotonic
        self.floor = max(floor, RELEASED)
        self._anchor: tuple[float, float] | None = None

    @property
    def sure(self) -> bool:
        """Whether the platform has signed the time in this run."""
        return self._anchor is not None

    @property
    def offset(self) -> float:
        """What must be added to the system's clock, in seconds."""
        return self.now() - self._system()

    def now(self) -> float:
        """The best that is known of the platform's time. Where it signed the time for this very
        run, which nobody can replay, that alone counts; before that never below the floor."""
        if self._anchor is None:
            return max(self.floor, self._system())
        platform, since = self._anchor
        return platform + (self._monotonic() - since)

    def told(self, statement: Mapping[str, Any], address: Address, boot_id: UUID) -> float:
        """Takes the time from a CLOCK statement whose signature holds. Raises NotOurTime."""
        try:
            meant = Address(UUID(statement["tenant"]), UUID(statement["device"]))
            boot, moment = UUID(statement["boot_id"]), float(statement["time"])
        except (KeyError, ValueError, TypeError, AttributeError):
            raise NotOurTime("no statement of the time") from None
        if meant != address:
            raise NotOurTime("a statement of the time for another device")
        if boot != boot_id:
            raise NotOurTime("a statement of the time for another run of this device")
        if not 0 < moment < 1e11:
            raise NotOurTime("no time in seconds since 1970")
        self._anchor = (moment, self._monotonic())
        self.passed(moment)
        return moment

    def passed(self, moment: float) -> None:
        """It is later than this, by something signed."""
        if moment < 1e11:
            self.floor = max(self.floor, moment)
