"""The update module: hears offers, has `edge.update.machine` say what is to be done, keeps that,
and has it done.

One thing is done at a time; what is given up for something newer ends first. What runs is made so
by the slot that is switched to: its model, its settings. That is looked at anew at each start.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.agent.state import State
from edge.agent.supervisor import Pause
from edge.config.configuration import Configuration
from edge.home import HomeError
from edge.inference.module import InferenceModule
from edge.link.download import Cut
from edge.link.https import Unreachable
from edge.link.link import Body, Link, NotConnected
from edge.protocol.signed import PublicKey
from edge.protocol.updates import Offer, Problem, Report, Reported
from edge.update import events as e
from edge.update.carrying import Carrier
from edge.update.machine import step
from edge.update.offers import Foreign, Misfit, judged
from edge.update.record import Record, RecordFile, Stage
from edge.update.running import model_in, status
from edge.update.sealed import Damaged
from edge.update.telling import Telling
from edge.update.watching import Watching

LOOKS_EVERY = 1.0
"""Seconds between two looks at what is watched, and whether an offer has expired."""
BOOT = Path("/proc/sys/kernel/random/boot_id")
ENDS = (*Reported,)[(*Reported,).index(Reported.CONFIRMED) :]

log = logging.getLogger("edge.update")

Tell = Callable[[str, dict[str, Any]], None]
GoOn = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Notified:
    body: Body


class UpdateModule:
    """`tell` logs an event. Raises HomeError where the home cannot be read."""

    def __init__(
        self,
        file: RecordFile,
        state: State,
        configuration: Configuration,
        link: Link,
        key: PublicKey,
        inference: InferenceModule,
        carrier: Carrier,
        misfit: Misfit,
        tell: Tell,
    ) -> None:
        self._file, self._state, self._configuration = file, state, configuration
        self._link, self._key, self._inference = link, key, inference
        self._carrier, self._misfit, self._tell = carrier, misfit, tell
        self._record = self._read()
        self._happened: asyncio.Queue[e.Event | _Notified] = asyncio.Queue()
        self._telling = Telling(link, lambda: self._record, self._notified)
        self._watching = Watching(inference)
        self._work: asyncio.Task[None] | None = None
        self._given, self._changed = 0, asyncio.Event()
        self.activate()

    @property
    def release(self) -> str | None:
        """That runs."""
        return self._carrier.running()

    def time_known(self) -> None:
        """The platform has signed the time: offers can be judged."""
        self._telling.ask()

    def status(self) -> dict[str, Any]:
        """JSON, for people and scripts."""
        return status(self._record, self._carrier.slots)

    def activate(self) -> None:
        """What is in the slot that is switched to: its settings hold, its model runs."""
        slot = self._carrier.slots.current()
        self._configuration.release(slot.manifest.configuration if slot else {})
        self._inference.install(model_in(slot))

    async def run(self) -> None:
        self._record = self._read()
        damaged = await asyncio.to_thread(self._carrier.slots.mend)
        if damaged:
            log.error("the files of the release were damaged; it was switched away from")
            self._tell("update.damaged", {"release": self._record.current})
        self.activate()
        boot = _boot()
        crashed = bool(boot) and self._state.kept("update.run").get("boot") == boot
        self._state.keep("update.run", {"boot": boot})
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._telling.run())
                group.create_task(self._look())
                self._group = group
                await self._take(e.PowerCameBack(self.release, crashed, damaged))
                while True:
                    await self._one(await self._happened.get())
        finally:
            self._given += 1
            self._watching.end()
            self._work = None
            self._state.keep("update.run", {})

    def _read(self) -> Record:
        try:
            return self._file.read()
        except Damaged as error:
            log.error("what was known of updates was damaged: %s", error)
            self._file.put_aside(self._link.session.clock.now())
            return Record(counter=self._carrier.slots.counter(), current=self.release)

    def _notified(self, body: Body) -> None:
        self._happened.put_nowait(_Notified(body))

    async def _one(self, happened: e.Event | _Notified) -> None:
        if isinstance(happened, _Notified):
            await self._judge(happened.body)
        else:
            await self._take(happened)

    async def _judge(self, body: Body) -> None:
        clock = self._link.session.clock
        if body.get("statement") is not None and not clock.sure:
            return  # asked for again when the time is known
        other = self._carrier.slots.other()
        try:
            event = judged(
                body, self._key, self._link.session.address, clock, self._record, self._misfit,
                other.manifest.release if other else None,
            )  # fmt: skip
        except Foreign as error:
            self._link.refuse(str(error))
            return
        if isinstance(event, e.OfferRefused):
            told = {"problem": str(event.problem), "detail": event.detail}
            self._tell("update.refused", {"update": str(event.update), **told})
        else:
            offered = {"counter": event.offer.counter} if isinstance(event, e.OfferHeard) else None
            for taken in list(self._telling.taken(offered)):
                await self._take(taken)
        await self._take(event)

    async def _take(self, event: e.Event) -> None:
        if isinstance(event, (e.Switched, e.RolledBack)):
            self.activate()
        record, actions = step(self._record, event)
        if record != self._record:
            try:
                await asyncio.to_thread(self._file.keep, record)
            except HomeError as error:
                if isinstance(event, e.OfferHeard):
                    await self._say_full(event.offer, str(error))
                raise
            before, self._record = self._record, record
            self._log(before, record)
        for action in actions:
            self._do(action)

    async def _say_full(self, offer: Offer, why: str) -> None:
        """Not even that could be kept."""
        report = Report(
            offer.attempt, offer.counter, Reported.FAILED, self.release, Problem.DISK_FULL, why,
            retryable=True,
        )  # fmt: skip
        try:
            await self._telling.say(offer.update, report)
        except NotConnected:
            pass  # the platform asks again

    def _log(self, before: Record, record: Record) -> None:
        if record.stage is not before.stage:
            log.info("update %s", record.stage.lower())
        for one in record.reports:
            if one not in before.reports and one.report.state in ENDS and not one.taken:
                good = one.report.problem is None
                told = one.report.body() | {"update": str(one.update)}
                self._tell("update.ended" if good else "update.failed", told)

    def _do(self, action: e.Action) -> None:
        carrier = self._carrier
        match action:
            case e.Tell():
                self._telling.tell()
            case e.Ask():
                self._telling.ask()
            case e.Watch(offer, seconds):
                self._watching.begin(offer, seconds)
            case e.Download(offer):
                self._begin(lambda go_on: self._download(offer, go_on))
            case e.Verify(offer):
                self._begin(lambda _: asyncio.to_thread(carrier.verify, offer))
            case e.AwaitWindow(offer):
                self._begin(lambda go_on: self._await_window(offer, go_on))
            case e.CheckHealth(offer):
                self._begin(lambda go_on: asyncio.to_thread(carrier.check_health, offer, go_on))
            case e.Switch(offer):
                self._begin(lambda _: asyncio.to_thread(carrier.switch, offer))
            case e.RollBack(offer):
                self._begin(lambda _: asyncio.to_thread(carrier.roll_back, offer))
            case e.CleanUp(keep_other):
                self._begin(lambda _: asyncio.to_thread(carrier.slots.clean_up, keep_other))

    def _begin(self, make: Callable[[GoOn], Awaitable[e.Event | None]]) -> None:
        """After what is being done now, which is given up."""
        before, changed = self._work, self._changed
        self._given, self._changed = self._given + 1, asyncio.Event()
        given = self._given
        changed.set()

        async def work() -> None:
            if before is not None:
                await asyncio.wait([before])
            try:
                event = await make(lambda: self._given == given)
            except Exception as error:
                event = self._broke(error)
            if event is not None:
                self._happened.put_nowait(event)

        self._work = self._group.create_task(work())

    def _broke(self, error: Exception) -> e.Event:
        """Raises it again where there is nothing to be given up: this module begins anew then."""
        offer, stage = self._record.offer, self._record.stage
        if offer is None or not (stage.may_be_left or stage is Stage.SWITCHING):
            raise error
        log.exception("the update cannot go on", exc_info=error)
        why = f"{type(error).__name__}: {error}"[:500]
        return e.WentWrong(offer.counter, Reported.FAILED, Problem.INTERNAL, why)

    async def _download(self, offer: Offer, go_on: GoOn) -> e.Event | None:
        pause = Pause(1.0, 300.0)
        self._happened.put_nowait(e.DownloadBegan(offer.counter))
        while go_on():
            try:
                return await asyncio.to_thread(self._carrier.download, offer, go_on)
            except (Cut, Unreachable) as error:
                log.warning("the download is cut: %s", error)
                self._cut = str(error)
            await self._unless_given_up(pause.next())
        return None

    async def _unless_given_up(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _await_window(self, offer: Offer, go_on: GoOn) -> e.Event | None:
        while go_on():
            left = self._carrier.window_wait(offer)
            if left <= 0:
                return e.WindowOpen(offer.counter)
            await self._unless_given_up(min(left, LOOKS_EVERY))
        return None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOKS_EVERY)
            if found := self._watching.found():
                self._happened.put_nowait(found)
            offer, clock = self._record.offer, self._link.session.clock
            waits = self._record.stage in (Stage.DOWNLOADING, Stage.WAITING)
            if offer and waits and clock.sure and clock.now() > offer.expires_at:
                self._happened.put_nowait(self._expired(offer))

    def _expired(self, offer: Offer) -> e.Event:
        if self._record.stage is Stage.WAITING:
            why, problem = "its window did not come in time", Problem.OFFER_EXPIRED
        else:
            why, problem = f"it did not come in time: {self._cut}", Problem.UNREACHABLE
        return e.WentWrong(offer.counter, Reported.FAILED, problem, why, retryable=True)

    _cut = "the download took too long"


def _boot() -> str:
    """Which run of the machine this is; empty where it does not say."""
    return BOOT.read_text().strip() if BOOT.exists() else ""
