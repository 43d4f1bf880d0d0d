"""The sync module: sends what the log holds in batches, and forgets what the platform has taken."""

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from typing import Any

from edge.config.configuration import Configuration
from edge.link.link import Acknowledge, Body, Link, NotConnected
from edge.link.session import Heard
from edge.protocol.bodies import MOST_EVENTS
from edge.protocol.envelope import MOST_BYTES, BadEnvelope
from edge.store.log import EventLog, Head, Piece
from edge.sync.allowance import Bucket, in_window, may_go
from edge.sync.outbox import AT_ONCE, Outbox, Wanted, taken_of
from edge.sync.privacy import Privacy

MOST_BATCH_BYTES = MOST_BYTES - 1_024
LOOKS_EVERY = 1.0
"""Seconds between two looks for what is overdue, and whether a window has come."""

log = logging.getLogger("edge.sync")


class SyncModule:
    """`key`: of the device, for hashed fields."""

    def __init__(
        self, events: EventLog, configuration: Configuration, link: Link, key: bytes
    ) -> None:
        self._events, self._configuration, self._link = events, configuration, link
        self._key = key
        self._outbox = Outbox()
        self._bucket = Bucket(time.monotonic())
        self._wake = asyncio.Event()
        self._asked = False
        self.batches = 0
        self.again = 0
        link.on(Heard.TAKEN, self._heard)
        link.on_connection(self._connected)
        configuration.on_change(self._wake.set)

    def grown(self) -> None:
        """There is something new in the log. To be called from the loop."""
        self._wake.set()

    def ask(self) -> None:
        """Sends everything that is there now, in whatever mode but OFFLINE."""
        self._asked = True
        self._wake.set()

    async def run(self) -> None:
        self._outbox.connected()
        while True:
            self._wake.clear()
            if self._link.connected:
                await self._pump()
            try:
                async with asyncio.timeout(LOOKS_EVERY):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _connected(self) -> None:
        self._outbox.connected()
        self._wake.set()

    def _heard(self, body: Body, acknowledge: Acknowledge) -> None:
        acknowledge()
        try:
            uuid, ranges = taken_of(body)
        except ValueError as error:
            raise BadEnvelope(str(error)) from None
        self._outbox.taken(uuid, ranges)
        self._events.forget(uuid, ranges)
        self._wake.set()

    async def _pump(self) -> None:
        seconds = float(self._configuration["sync.resend_seconds"])
        self.again += self._outbox.overdue(time.monotonic(), seconds)
        if self._outbox.under_way >= AT_ONCE:
            return
        heads = await asyncio.wrap_future(self._events.heads())
        self._outbox.only({head.log for head in heads})
        important = self._configuration["sync.order"] == "important"
        while self._link.connected:
            wanted = self._outbox.next(heads, self._may_go, important)
            if wanted is None:
                if self._outbox.under_way == 0:
                    self._asked = False
                return
            try:
                await self._send(wanted)
            except NotConnected:
                return

    def _may_go(self, head: Head) -> bool:
        mode = self._configuration["sync.mode"]
        now = self._link.session.clock.now()
        open_now = self._asked or in_window(self._configuration["sync.windows"], now)
        return may_go(mode, head.priority, open_now)

    async def _send(self, wanted: Wanted) -> None:
        most = MOST_EVENTS
        if wanted.last is not None:
            most = min(most, wanted.last - wanted.first + 1)
        piece = await asyncio.wrap_future(
            self._events.read(wanted.head.log, wanted.first, MOST_BATCH_BYTES, most)
        )
        if piece is None or (wanted.last is not None and piece.first > wanted.last):
            self._outbox.missing(wanted)
            return
        for first, events in self._batches(piece):
            body = {"log": str(piece.log), "first": first, "events": events}
            size = len(json.dumps(events))
            rate = int(self._configuration["sync.bytes_per_second"])
            await asyncio.sleep(self._bucket.wait(size, rate, time.monotonic()))
            self._outbox.sent(piece.log, first, first + len(events) - 1, time.monotonic())
            await self._link.say(wanted.head.channel.said, body)
            self.batches += 1
        self._outbox.rest(wanted, piece.last + 1)

    def _batches(self, piece: Piece) -> list[tuple[int, list[Any]]]:
        """As a rule one; more where hashing made the events longer."""
        settings = self._configuration
        privacy = Privacy(self._key, settings["privacy.drop"], settings["privacy.hash"])
        events = [privacy.cleared(json.loads(event)) for event in piece.events]
        return [(piece.first, events)] if privacy.idle else _split(piece.first, events)


def _split(first: int, events: Sequence[Any]) -> list[tuple[int, list[Any]]]:
    sizes = [len(json.dumps(event, separators=(",", ":"))) + 1 for event in events]
    if sum(sizes) <= MOST_BATCH_BYTES:
        return [(first, list(events))]
    if len(events) == 1:
        event = {name: events[0][name] for name in ("at", "kind") if name in events[0]}
        return [(first, [{**event, "too_large": sizes[0]}])]
    half = len(events) // 2
    return _split(first, events[:half]) + _split(first + half, events[half:])
