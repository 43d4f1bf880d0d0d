"""The inference module: brings about the model that is desired, and runs it for programs on the
device. The model of the release that is installed (`edge.update`) comes before the one that the
twin desires; the report names the release then.

A new model is fetched and loaded beside the one that runs, then swapped; one that does not load
changes nothing, and the reason is reported. A model that ended the agent while it was loaded,
twice, is not loaded again.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from edge.agent.state import State
from edge.agent.supervisor import Pause
from edge.config.configuration import Configuration
from edge.config.every import every
from edge.identity.credentials import Credentials
from edge.inference.predictor import Predictor
from edge.inference.runtimes import ModelRefused, load
from edge.inference.wish import BadWish, Installed, Wish
from edge.link.download import Cut, NotFetched, Pace, Wanted, fetch
from edge.link.https import Contexts

MOST_CRASHES = 2
LOADED = ("inference.cache_entries", "inference.threads")
"""Settings with which a model is loaded again."""

log = logging.getLogger("edge.inference")

Tell = Callable[[str, dict[str, Any]], None]


class NoModel(RuntimeError):
    """There is nothing to run yet; the message says why."""


class InferenceModule:
    """`tell` logs an event on telemetry/model; `look` says that the report has changed."""

    def __init__(
        self,
        folder: Path,
        credentials: Credentials,
        contexts: Contexts,
        state: State,
        configuration: Configuration,
        tell: Tell,
    ) -> None:
        self._folder, self._credentials, self._contexts = folder, credentials, contexts
        self._state, self._configuration, self._tell = state, configuration, tell
        self._wanted: Mapping[str, Any] | None = None
        self._wake = asyncio.Event()
        self._predictor: Predictor | None = None
        self._running: Wish | Installed | None = None
        self._installed: Installed | None = None
        self._settings: tuple[Any, ...] = ()
        self._report: dict[str, Any] | None = None
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="inference")
        self.look: Callable[[], None] = lambda: None
        configuration.on_change(self._changed)

    def desire(self, wish: Mapping[str, Any] | None) -> None:
        if wish != self._wanted:
            self._wanted = dict(wish) if wish is not None else None
            self._wake.set()

    def install(self, installed: Installed | None) -> None:
        """The model of the release that is switched to; None where it has none."""
        if installed != self._installed:
            self._installed = installed
            self._wake.set()

    def model_report(self) -> Mapping[str, Any] | None:
        return self._report

    def totals(self) -> tuple[int, int]:
        """Inferences of the model that runs, and those of it that failed."""
        return self._predictor.window.totals() if self._predictor else (0, 0)

    @property
    def predictor(self) -> Predictor:
        """Raises NoModel."""
        if self._predictor is None:
            report = self._report or {}
            why = report.get("problem") or (
                f"the model is {str(report['state']).lower()}" if report else "none is desired"
            )
            raise NoModel(f"There is no model to run: {why}.")
        return self._predictor

    async def predict(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs by name. Raises NoModel, BadInput."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.predictor.predict, inputs)

    async def run(self) -> None:
        self._predictor, self._running, self._report = None, None, None
        windows = asyncio.create_task(self._windows())
        try:
            await self._follow()
        finally:
            windows.cancel()
            self._report_window()
            self._predictor = self._running = None

    def _changed(self) -> None:
        if self._running and self._settings != self._load_settings():
            self._wake.set()

    def _load_settings(self) -> tuple[Any, ...]:
        return tuple(self._configuration[name] for name in LOADED)

    async def _follow(self) -> None:
        pause = Pause(1.0, 300.0)
        while True:
            self._wake.clear()
            try:
                await self._bring_about()
                pause.calm()
                await self._wake.wait()
            except Cut as error:
                self._say("DOWNLOADING", str(error))
                await self._until_wanted(pause.next())
            except NotFetched as error:
                self._say("FAILED", str(error))
                await self._until_wanted(60.0 + pause.next())
            except (BadWish, ModelRefused) as error:
                self._say("FAILED", str(error))
                log.warning("the desired model is not run: %s", error)
                await self._wake.wait()

    async def _until_wanted(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _bring_about(self) -> None:
        installed, wanted = self._installed, self._wanted
        if installed is None and wanted is None:
            self._report_window()
            self._predictor = self._running = None
            self._report = None
            self.look()
            return
        wish = installed or Wish.of(wanted or {})
        if wish != self._running or self._settings != self._load_settings():
            path = await self._path(wish, wanted)
            self._say("LOADING")
            await self._swap(wish, path)
        self._say("RUNNING")
        kept = wish.file_name if isinstance(wish, Wish) else ""
        await asyncio.to_thread(_remove_others, self._folder, kept)

    async def _path(self, wish: Wish | Installed, wanted: Mapping[str, Any] | None) -> Path:
        if isinstance(wish, Installed):
            return wish.path
        self._say("DOWNLOADING")
        return await asyncio.to_thread(self._fetch, wish, wanted)

    def _fetch(self, wish: Wish, wanted: Mapping[str, Any] | None) -> Path:
        path, target = f"/devices/artifacts/{wish.artifact}", self._folder / wish.file_name
        fetch(
            Wanted(wish.sha256, wish.bytes, target),
            self._credentials.url(path),
            self._contexts,
            lambda: self._credentials.signed_call("GET", path),
            Pace(go_on=lambda: self._wanted == wanted and self._installed is None),
        )
        return target

    async def _swap(self, wish: Wish | Installed, path: Path) -> None:
        settings = self._load_settings()
        self._mark(wish)
        try:
            runtime = await asyncio.to_thread(load, path, wish.format, int(settings[1]))
        finally:
            self._state.keep("loading", {})
        self._report_window()
        self._predictor = Predictor(runtime, wish.sha256, int(settings[0]))
        self._running, self._settings = wish, settings
        self._tell(
            "model.loaded", {"sha256": wish.sha256, "name": wish.name, "format": wish.format}
        )
        log.info("the model %s (%s) runs", wish.name, wish.sha256[:12])

    def _mark(self, wish: Wish | Installed) -> None:
        """So that a crash while loading is known after it."""
        before = self._state.kept("loading")
        times = int(before.get("times", 0)) if before.get("sha256") == wish.sha256 else 0
        if times >= MOST_CRASHES:
            raise ModelRefused(
                f"the agent ended {times} times while loading it; it is not tried again"
            )
        self._state.keep("loading", {"sha256": wish.sha256, "times": times + 1})

    def _say(self, state: str, problem: str | None = None) -> None:
        """What runs is reported as it was desired, so that the twin differs until it runs."""
        wanted, installed = self._wanted or {}, self._installed
        report = {
            **(self._running.document() if self._running else {}),
            "state": state,
            "wanted": installed.release if installed else str(wanted.get("artifact"))[:100],
            "problem": problem[:500] if problem else None,
        }
        if report != self._report:
            if state == "FAILED":
                self._tell("model.failed", {"artifact": report["wanted"], "problem": problem})
            self._report = report
            self.look()

    async def _windows(self) -> None:
        async for _ in every(self._configuration, "inference.window_seconds"):
            self._report_window()

    def _report_window(self) -> None:
        if self._predictor and (found := self._predictor.window.ended()):
            self._tell("inference", {"model": self._predictor.sha256, **found})


def _remove_others(folder: Path, kept: str) -> None:
    """All files of models but this one."""
    for file in folder.glob("*"):
        if file.is_file() and file.name != kept:
            file.unlink(missing_ok=True)
