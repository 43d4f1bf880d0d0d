"""What is said of updates over the link, and what is heard.

The last word on each update is said again at each connection, and then `update/next`. A word is
with the platform once its answer to an `update/next` that was said after it names another offer or
none: what a broker acknowledged counts for nothing.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from edge.link.link import Acknowledge, Body, Link, NotConnected
from edge.link.session import Heard
from edge.protocol.topics import Said
from edge.protocol.updates import Report
from edge.update.events import ReportTaken
from edge.update.record import Record


class Telling:
    """`record`: as it is now; `heard` takes what the platform notifies of."""

    def __init__(
        self, link: Link, record: Callable[[], Record], heard: Callable[[Body], None]
    ) -> None:
        self._link, self._record, self._take = link, record, heard
        self._due = asyncio.Event()
        self._asks = False
        self._said: set[tuple[UUID, str]] = set()
        self._said_before_asking: set[tuple[UUID, str]] = set()
        link.on(Heard.NOTIFY, self._heard)
        link.on_connection(self._greeted)

    def tell(self) -> None:
        self._due.set()

    def ask(self) -> None:
        self._asks = True
        self._due.set()

    async def run(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._say()
            except NotConnected:
                pass  # all of it is said at the next connection

    async def say(self, update: UUID, report: Report) -> None:
        """Raises NotConnected."""
        await self._link.say(Said.UPDATE_STATUS, report.body(), update)

    def taken(self, statement: Mapping[str, Any] | None) -> Iterator[ReportTaken]:
        """The words that the platform has, by its answer: an offer that holds, or none."""
        offered = statement.get("counter") if statement else None
        for one in self._record().reports:
            known = (one.update, str(one.report.body())) in self._said_before_asking
            if known and not one.taken and one.report.counter != offered:
                yield ReportTaken(one.update, one.report)

    async def _say(self) -> None:
        for one in self._record().reports:
            if not one.taken:
                await self.say(one.update, one.report)
                self._said.add((one.update, str(one.report.body())))
        if self._asks:
            self._asks = False
            before, record = set(self._said), self._record()
            asked = {"counter": record.counter, "release": record.current}
            self._said_before_asking = set()
            await self._link.say(Said.UPDATE_WANTED, asked)
            self._said_before_asking = before

    async def _greeted(self) -> None:
        self._said, self._said_before_asking = set(), set()
        self.ask()

    def _heard(self, body: Body, acknowledge: Acknowledge) -> None:
        acknowledge()  # it is asked for again at each connection
        self._take(body)
