"""The commands module: takes requests, runs each at most once, and answers until the platform has
it.

A command is kept before it runs and acknowledged to the broker only then. Its answer is kept before
it is said. A duplicate gets the same answer again. One that a crash interrupted is answered FAILED
and not run again: nobody knows how far it came.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from edge.agent.state import State, StateFailed
from edge.commands.judgment import Foreign, Refused, judged
from edge.config.configuration import Configuration
from edge.link.link import Acknowledge, Body, Link, NotConnected
from edge.link.session import Heard
from edge.protocol.commands import Answer, AnswerStatus, Command, CommandKind
from edge.protocol.signed import PublicKey
from edge.protocol.topics import Said

WAITS_FOR_TIME = 30.0
"""Seconds that a command waits for the platform to sign the time, where it would be expired by a
clock that may be wrong."""
MOST_WAITING = 100
MOST_RESULT_BYTES = 16_384

log = logging.getLogger("edge.commands")

Run = Callable[[Command], Awaitable[Mapping[str, Any]]]


class CommandFailed(RuntimeError):
    """It was tried; the message is for people."""


class CommandsModule:
    """`runs`: what does each kind."""

    def __init__(
        self,
        state: State,
        configuration: Configuration,
        link: Link,
        key: PublicKey,
        runs: Mapping[CommandKind, Run],
    ) -> None:
        self._state, self._configuration, self._link = state, configuration, link
        self._key, self._runs = key, runs
        self._waiting: asyncio.Queue[tuple[Body, Acknowledge]] = asyncio.Queue(MOST_WAITING)
        self._running: set[UUID] = set()
        self._answers: dict[UUID, Answer] = {}
        self._timed = asyncio.Event()
        self._connected = asyncio.Event()
        link.on(Heard.REQUEST, self._heard)
        link.on_connection(self._greeted)

    def time_known(self) -> None:
        """The platform has signed the time. Raises StateFailed."""
        self._state.time_known(self._link.session.clock.now())
        self._timed.set()

    async def _greeted(self) -> None:
        self._connected.set()

    def _heard(self, body: Body, acknowledge: Acknowledge) -> None:
        try:
            self._waiting.put_nowait((body, acknowledge))
        except asyncio.QueueFull:
            # The platform says it again at the next birth, as long as it is open.
            acknowledge()
            self._link.refuse("more commands at once than this device takes")

    async def run(self) -> None:
        for id, kept in self._state.unsaid().items():
            self._answer(id, Answer.of(kept) if kept else self._interrupted(id))
        running: set[asyncio.Task[None]] = set()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._say_answers())
                while True:
                    at_once = int(self._configuration["commands.at_once"])
                    while len(running) >= at_once:
                        _, running = await asyncio.wait(
                            running, return_when=asyncio.FIRST_COMPLETED
                        )
                    body, acknowledge = await self._waiting.get()
                    running.add(group.create_task(self._one(body, acknowledge)))
                    running = {task for task in running if not task.done()}
        finally:
            self._running.clear()

    async def _one(self, body: Body, acknowledge: Acknowledge) -> None:
        try:
            command = await self._judged(body)
        except Foreign as error:
            self._link.refuse(str(error))
            acknowledge()
            return
        except Refused as refused:
            acknowledge()
            self._answer(refused.command, Answer(AnswerStatus.REFUSED, {}, str(refused)))
            return
        try:
            clock = self._link.session.clock
            now = clock.now() if clock.sure else None
            first = self._state.begin(command.id, command.expires_at, now)
        except StateFailed as error:
            # The platform says it again at the next birth: by then there may be room for it.
            log.warning("command %s is not run: %s", command.id, error)
            return
        finally:
            acknowledge()
        if command.id in self._running:
            return
        self._answer(command.id, await self._run(command) if first else self._before(command.id))

    async def _judged(self, body: Body) -> Command:
        def judge() -> Command:
            session = self._link.session
            return judged(body, self._key, session.address, session.clock, self._state.since)

        try:
            return judge()
        except Refused as refused:
            if self._link.session.clock.sure or not refused.by_time:
                raise
        try:
            async with asyncio.timeout(WAITS_FOR_TIME):
                await self._timed.wait()
        except TimeoutError:
            pass  # then by the clock that there is
        return judge()

    def _before(self, id: UUID) -> Answer:
        kept = self._state.answer(id)
        if kept is not None:
            return Answer.of(kept)
        return self._interrupted(id)

    def _interrupted(self, id: UUID) -> Answer:
        why = "interrupted by a restart of the agent; it is not run again"
        return self._kept(id, Answer(AnswerStatus.FAILED, {}, why))

    async def _run(self, command: Command) -> Answer:
        log.info("command %s: %s", command.id, command.kind)
        self._running.add(command.id)
        seconds = float(self._configuration["commands.timeout_seconds"])
        try:
            async with asyncio.timeout(seconds):
                result = await self._runs[command.kind](command)
            answer = _fitting(Answer(AnswerStatus.SUCCEEDED, result))
        except TimeoutError:
            answer = Answer(AnswerStatus.FAILED, {}, f"not done within {seconds:g} s")
        except CommandFailed as error:
            answer = Answer(AnswerStatus.FAILED, {}, str(error)[:2_000])
        except Exception as error:
            log.exception("command %s failed", command.id)
            answer = Answer(AnswerStatus.FAILED, {}, f"{type(error).__name__}: {error}"[:2_000])
        finally:
            self._running.discard(command.id)
        return self._kept(command.id, answer)

    def _kept(self, id: UUID, answer: Answer) -> Answer:
        try:
            self._state.answered(id, answer.body())
        except StateFailed as error:
            log.warning("the answer to command %s is not kept: %s", id, error)
        return answer

    def _answer(self, id: UUID, answer: Answer) -> None:
        self._answers[id] = answer
        self._connected.set()

    async def _say_answers(self) -> None:
        while True:
            self._connected.clear()
            for id, answer in list(self._answers.items()):
                try:
                    await self._link.say(Said.RESPONSE, answer.body(), id)
                except NotConnected:
                    break
                self._answers.pop(id, None)
                self._state.said(id)
            await self._connected.wait()


def _fitting(answer: Answer) -> Answer:
    size = len(json.dumps(answer.result, allow_nan=False).encode())
    if size > MOST_RESULT_BYTES:
        return Answer(
            AnswerStatus.FAILED, {}, f"the result has {size:,} bytes; {MOST_RESULT_BYTES:,} fit"
        )
    return answer
