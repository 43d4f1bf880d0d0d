"""One LISTEN connection a process, fanned out in memory, supervised.

After the connection was lost and made again, every subscriber is called with None: something may
have been missed, and each catches up by position. A callback that fails is logged and changes
nothing for the others.
"""

import logging
import socket
from collections.abc import Callable
from selectors import EVENT_READ, DefaultSelector
from threading import Event, Lock, Thread

import psycopg
from psycopg import Connection, sql

from application.ports.listening import ACCESS, EVENTS, FOLLOWED, TICKS, Callback

CHANNELS = (EVENTS, FOLLOWED, TICKS, ACCESS)
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
LOOK_UP = 0.5
"""Seconds. What TLS has decrypted and nobody has read yet does not show on the socket."""

log = logging.getLogger(__name__)


class PostgresListener:
    """Implements `application.ports.listening.Listener`. `url` is that of the system's role."""

    def __init__(self, url: str, look_up: float = LOOK_UP) -> None:
        self._url, self._look_up = url, look_up
        self._closed_by, self._told_to_close = socket.socketpair()
        self._lock, self._closing = Lock(), Event()
        self._callbacks: dict[str, dict[object, Callback]] = {name: {} for name in CHANNELS}
        self._thread = Thread(target=self._run, name="listen", daemon=True)
        self.connected = Event()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Returns when the thread has ended, which waits for nothing."""
        self._closing.set()
        self._closed_by.close()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._told_to_close.close()

    def subscribe(self, channel: str, callback: Callback) -> Callable[[], None]:
        place = object()
        with self._lock:
            self._callbacks[channel][place] = callback

        def unsubscribe() -> None:
            with self._lock:
                self._callbacks[channel].pop(place, None)

        return unsubscribe

    def _run(self) -> None:
        pause = SHORTEST_PAUSE
        while not self._closing.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as connection:
                    self._listen(connection)
                    pause = SHORTEST_PAUSE
                    self._pass_on(connection)
            except psycopg.Error as error:
                log.warning("the listening connection was lost: %s", error)
            except Exception:
                log.exception("the listener failed")
            self.connected.clear()
            self._closing.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _listen(self, connection: Connection) -> None:
        for channel in CHANNELS:
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        self.connected.set()
        for channel in CHANNELS:
            self._call(channel, None)

    def _pass_on(self, connection: Connection) -> None:
        with DefaultSelector() as waiting:
            waiting.register(connection, EVENT_READ)
            waiting.register(self._told_to_close, EVENT_READ)
            while not self._closing.is_set():
                for word in connection.notifies(timeout=0):
                    self._call(word.channel, word.payload)
                    if self._closing.is_set():
                        return
                waiting.select(self._look_up)

    def _call(self, channel: str, payload: str | None) -> None:
        with self._lock:
            callbacks = list(self._callbacks[channel].values())
        for callback in callbacks:
            try:
                callback(payload)
            except Exception:
                log.exception("a subscriber of %s failed", channel)
