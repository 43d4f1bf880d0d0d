"""The twin module: takes deltas, has them applied, and reports.

It applies what is desired at every start again, before there is any connection: a device that is
offline runs as it was last told to.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from edge.agent.state import State
from edge.config.configuration import Configuration
from edge.link.link import Acknowledge, Body, Link, NotConnected
from edge.link.session import Heard
from edge.protocol.topics import Said
from edge.twin.twin import BadDelta, Twin, behind, report, unknown

log = logging.getLogger("edge.twin")


class ModelWish(Protocol):
    """What the twin wants of inference."""

    def desire(self, wish: Mapping[str, Any] | None) -> None:
        """Which model is to run; None for none. Returns at once."""

    def model_report(self) -> Mapping[str, Any] | None:
        """What runs, what is on its way, and what went wrong; JSON."""


class TwinModule:
    def __init__(
        self, state: State, configuration: Configuration, link: Link, model: ModelWish
    ) -> None:
        self._state, self._configuration, self._link, self._model = (
            state,
            configuration,
            link,
            model,
        )
        self.twin = Twin.of(state.kept("twin"))
        self._problems: dict[str, str] = {}
        self._deltas: deque[Body] = deque(maxlen=100)
        self._say = True
        self._wake = asyncio.Event()
        link.on(Heard.DELTA, self._heard)
        configuration.on_change(self.look)

    def look(self) -> None:
        """Something that is reported may have changed."""
        self._wake.set()

    def _heard(self, body: Body, acknowledge: Acknowledge) -> None:
        acknowledge()  # it is whole, and asked for again at each connection
        self._deltas.append(body)
        self.look()

    async def run(self) -> None:
        self._apply()
        while True:
            self._wake.clear()
            while self._deltas:
                self._take(self._deltas.popleft())
            await self._report()
            await self._wake.wait()

    def _take(self, body: Body) -> None:
        try:
            after = self.twin.with_delta(body)
        except BadDelta as error:
            self._link.refuse(str(error))
            return
        if after is None:
            return
        self._say = self._say or behind(after, body)
        self.twin = after
        self._state.keep("twin", after.kept())
        self._apply()

    def _apply(self) -> None:
        desired = self.twin.desired
        if desired is not None:
            self._problems = self._apply_configuration(desired.get("configuration"))
            model = desired.get("model")
            if model is not None and not isinstance(model, Mapping):
                self._problems["model"] = "must be an object"
            else:
                self._model.desire(model)

    def _apply_configuration(self, wanted: Any) -> dict[str, str]:
        if wanted is None:
            wanted = {}
        if not isinstance(wanted, Mapping):
            return {"configuration": "must be an object"}
        return {
            f"configuration.{name}": why
            for name, why in self._configuration.desired(wanted).items()
        }

    def _document(self) -> dict[str, Any]:
        desired = self.twin.desired or {}
        return report(
            self.twin.desired_version,
            self._configuration.remote(),
            self._model.model_report(),
            self._problems | self._configuration.problems,
            unknown(desired),
        )

    async def _report(self) -> None:
        document = self._document()
        if document != self.twin.reported:
            self.twin = self.twin.with_report(document)
            self._state.keep("twin", self.twin.kept())
            self._say = True
        # Before the first delta nobody knows which versions the platform has already seen.
        if not self._say or self.twin.desired is None:
            return
        try:
            said = {"version": self.twin.reported_version, "reported": document}
            self._say = False
            await self._link.say(Said.REPORTED, said)
        except NotConnected:
            self._say = True  # the delta that answers the next connection wakes it
