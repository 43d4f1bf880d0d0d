"""What a task can say while it works: the child's end of the protocol."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

TICK_EVERY = 0.1
_NO_MEMORY = ("bad_alloc", "bad allocation", "failed to allocate memory", "cannot allocate memory")


class Reporter:
    """Stages and ticks. A tick sooner than 0.1 s after the last one is dropped, save the ends."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers, self._last_tick = answers, 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._say({"stage": name, "begun": True})
        yield
        self._say({"stage": name, "begun": False})

    def tick(self, percent: float, message: str) -> None:
        now = time.monotonic()
        if now - self._last_tick >= TICK_EVERY or percent >= 100:
            self._last_tick = now
            self._say({"percent": round(min(100.0, percent), 1), "message": message})

    def _say(self, answer: dict[str, Any]) -> None:
        self._answers.write(json.dumps(answer).encode() + b"\n")
        self._answers.flush()


def memory_ran_out(error: BaseException) -> bool:
    """Whether an allocation was refused, in Python or, told by its words, in a library."""
    return isinstance(error, MemoryError) or any(
        phrase in str(error).lower() for phrase in _NO_MEMORY
    )
