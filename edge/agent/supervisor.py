"""Keeps modules running: one that fails is started again after a pause that grows, and takes no
other down with it. What failed is told (an event, a line in the log) and counted for diagnostics.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
CALM_AFTER = 60.0
"""Seconds: a module that ran this long fails as if for the first time."""

log = logging.getLogger("edge.supervisor")

Run = Callable[[], Coroutine[Any, Any, None]]
Tell = Callable[[str, dict[str, Any]], None]


class Pause:
    """Exponential back-off with full jitter between half and all of the step."""

    def __init__(self, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> None:
        self._first, self._longest = first, longest
        self._step = first

    def next(self) -> float:
        """Seconds."""
        step, self._step = self._step, min(self._longest, self._step * 2)
        return step * (0.5 + random.random() / 2)

    def calm(self) -> None:
        """The next pause is the first again."""
        self._step = self._first


@dataclass(slots=True)
class Health:
    """Of one module. `restarts` counts only failures."""

    running: bool = False
    restarts: int = 0
    last_error: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {"running": self.running, "restarts": self.restarts, "last_error": self.last_error}


class Supervisor:
    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._modules: dict[str, Run] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._wanted: set[str] = set()
        self.health: dict[str, Health] = {}

    def add(self, name: str, run: Run) -> None:
        self._modules[name] = run
        self.health[name] = Health()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then all modules are canceled, the last added first."""
        keepers = {name: asyncio.create_task(self._keep(name), name=name) for name in self._modules}
        await stop.wait()
        for name in reversed(list(keepers)):
            keepers[name].cancel()
            await asyncio.gather(keepers[name], return_exceptions=True)

    def restart(self, name: str) -> None:
        """Ends the module's run; it begins anew at once, and that is no failure."""
        self._wanted.add(name)
        if task := self._tasks.get(name):
            task.cancel()

    async def _keep(self, name: str) -> None:
        pause, loop = Pause(), asyncio.get_running_loop()
        while True:
            began = loop.time()
            failed = await self._once(name)
            if failed is None:
                continue
            if loop.time() - began > CALM_AFTER:
                pause.calm()
            await asyncio.sleep(pause.next())

    async def _once(self, name: str) -> str | None:
        """One run of the module; how it failed, or None where it was to start again."""
        health = self.health[name]
        task = self._tasks[name] = asyncio.create_task(self._modules[name](), name=f"run {name}")
        health.running = True
        try:
            await asyncio.shield(task)
            error = "it ended by itself"
        except asyncio.CancelledError:
            if name in self._wanted and task.done():
                self._wanted.discard(name)
                return None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
        except Exception as failure:
            log.warning("module %s failed", name, exc_info=failure)
            error = f"{type(failure).__name__}: {failure}"[:500]
        finally:
            health.running = False
        health.restarts += 1
        health.last_error = error
        self._tell("module.failed", {"module": name, "error": error, "restarts": health.restarts})
        return error
