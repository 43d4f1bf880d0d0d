"""Work that goes on in a thread: again at once while there is more, else when woken or in a while.

What fails is logged and tried again after a pause; a lost database is no surprise and gets a line.
"""

import logging
from collections.abc import Callable
from threading import Event, Thread

from psycopg import OperationalError
from psycopg.errors import IdleInTransactionSessionTimeout
from psycopg_pool import PoolTimeout

PAUSE_WITHOUT_DATABASE = 0.5
PAUSE_AFTER_FAILURE = 2.0

log = logging.getLogger(__name__)


class Looping:
    """Calls `step` until closed. `step` returns whether there is more to do right away; otherwise
    the next call comes when `wake` is called, and at the latest after `look_again` seconds."""

    def __init__(self, name: str, step: Callable[[], bool], look_again: float = 1.0) -> None:
        self._name, self._step, self._look_again = name, step, look_again
        self._wake, self._closing = Event(), Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There may be news: look now."""
        self._wake.set()

    def close(self) -> None:
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._closing.is_set():
            if not self._once():
                self._wake.wait(self._look_again)
                self._wake.clear()

    def _once(self) -> bool:
        try:
            return self._step()
        except (OperationalError, PoolTimeout, IdleInTransactionSessionTimeout) as error:
            log.warning("%s lost the database: %s", self._name, error)
            return not self._closing.wait(PAUSE_WITHOUT_DATABASE)
        except Exception:
            log.exception("%s failed", self._name)
            return not self._closing.wait(PAUSE_AFTER_FAILURE)
