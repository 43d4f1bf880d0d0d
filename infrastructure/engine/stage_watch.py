"""A watch that ends every stage it began, even when the process that began it is gone."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from application.ports.engine import Watch


class StageWatch:
    """Passes everything on, and remembers the stage that is open."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._open: str | None = None

    def stage_started(self, name: str) -> None:
        self._open = name
        self._watch.stage_started(name)

    def stage_finished(self, name: str) -> None:
        self._open = None
        self._watch.stage_finished(name)

    def tick(self, percent: float, message: str) -> None:
        self._watch.tick(percent, message)

    def cancelled(self) -> bool:
        return self._watch.cancelled()

    @contextmanager
    def closing(self) -> Iterator[Callable[[], float]]:
        """Ends an open stage when the block ends well; gives the seconds since it began."""
        begun = time.monotonic()
        yield lambda: round(time.monotonic() - begun, 3)
        if self._open is not None:
            self.stage_finished(self._open)
