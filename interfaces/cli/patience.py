"""Taking what comes live for so long and no longer."""

import threading
import time
from collections.abc import Iterator
from queue import Empty, Queue
from typing import TypeVar

T = TypeVar("T")


class TimeIsOver(Exception):
    """Nothing more came in time."""


def within(values: Iterator[T], seconds: float) -> Iterator[T]:
    """The values as they come, until `seconds` have passed in all. Raises TimeIsOver, or what
    `values` raises. Whoever stops early leaves a thread that waits, which ends with the process."""
    came: Queue[tuple[T | None, BaseException | None, bool]] = Queue()

    def take() -> None:
        try:
            for value in values:
                came.put((value, None, False))
            came.put((None, None, True))
        except BaseException as error:  # handed over to whoever waits
            came.put((None, error, True))

    threading.Thread(target=take, daemon=True).start()
    end = time.monotonic() + seconds
    while True:
        try:
            value, error, over = came.get(timeout=max(0.0, end - time.monotonic()))
        except Empty:
            raise TimeIsOver from None
        if error is not None:
            raise error
        if over:
            return
        assert value is not None
        yield value
