"""Watches what an update brought: on probation for a while, then for crashes alone. Its model must
load, and most of its inferences must not fail.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from edge.protocol.updates import Offer, Problem
from edge.update.events import Calm, Event, ProbationOver, Unwell
from edge.update.fitting import model_of
from edge.update.machine import CALM_AFTER

FAILED_AT_LEAST = 10
"""Inferences that failed on probation, and more than ran: it is unwell."""


class Inference(Protocol):
    def model_report(self) -> Mapping[str, Any] | None:
        """What runs; `release` and `state` among it."""

    def totals(self) -> tuple[int, int]:
        """Inferences of the model that ran and that failed."""


class Watching:
    """Looked at now and then: `findings` gives what is found."""

    def __init__(self, inference: Inference, clock: Callable[[], float] = time.monotonic) -> None:
        self._inference, self._clock = inference, clock
        self._offer: Offer | None = None
        self._until: float | None = None
        self._since = 0.0

    @property
    def on_probation(self) -> bool:
        return self._until is not None

    def begin(self, offer: Offer, seconds: float | None) -> None:
        self._offer, self._since = offer, self._clock()
        self._until = None if seconds is None else self._since + seconds

    def end(self) -> None:
        self._offer = self._until = None

    def found(self) -> Event | None:
        """What is to be told now; it is found once."""
        offer = self._offer
        if offer is None:
            return None
        report = self._inference.model_report() or {}
        ours = report.get("wanted") == offer.release
        if ours and report.get("state") == "FAILED":
            self.end()
            problem = Problem.CRASHED if "the agent ended" in str(report["problem"]) else None
            return Unwell(
                offer.release, problem or Problem.LOAD_FAILED, str(report["problem"])[:500]
            )
        runs = model_of(offer.components, offer.files) is None or (
            ours and report.get("state") == "RUNNING"
        )
        return self._by_time(offer, runs)

    def _by_time(self, offer: Offer, runs: bool) -> Event | None:
        if self._until is None:
            if self._clock() - self._since < CALM_AFTER:
                return None
            self.end()
            return Calm()
        if runs and (why := self._fails()):
            self.end()
            return Unwell(offer.release, Problem.CRASHED, why)
        if not runs or self._clock() < self._until:
            return None
        self.end()
        return ProbationOver(offer.counter)

    def _fails(self) -> str | None:
        ran, failed = self._inference.totals()
        if failed < FAILED_AT_LEAST or failed <= ran:
            return None
        return f"{failed} of {ran + failed} inferences failed on probation"
