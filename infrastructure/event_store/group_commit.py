"""Saves that arrive together are made durable together, in one transaction.

The first thread to arrive leads: it commits what is queued, hands each waiting thread its outcome,
and passes the lead to the first of those that came meanwhile. Where several threads save one after
the other, those that have just been served are about to come again: the next leader waits for them
a moment, a part of what a commit takes, because one full batch is made sooner than two half ones.

A save that conflicts fails alone. When the connection breaks, whether the batch was saved is
unknown: it is tried again, and what is found to be saved already is not saved twice.
"""

import random
import time
from collections import deque
from collections.abc import Sequence
from threading import Lock
from uuid import UUID

import psycopg
from eventsourcing.persistence import StoredEvent
from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool, PoolTimeout

from infrastructure.event_store.append import Save, append

MOST_EVENTS = 500
MOST_TRIES = 8
PATIENCE = 0.5  # of the time that the last commit took
LONGEST_WAIT = 0.005

_OUTAGES = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)


class SaveInterrupted(RuntimeError):
    """The thread that was saving for others was stopped: whether it was saved is unknown."""


class GroupCommit:
    """Appends to the events table. `pool` gives connections that commit each statement."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool
        self._lock = Lock()
        self._queue: deque[Save] = deque()
        self._leader: Save | None = None
        self._company = 0  # how many saves were under way when the last batch was done
        self._commit_seconds = 0.0
        self._gathered = Lock()
        self._wanted = 0

    def append(self, tenant_id: UUID, events: Sequence[StoredEvent]) -> list[int]:
        """Makes `events` durable and returns their positions.

        Raises IntegrityError when a stream has that version already."""
        save = Save(tenant_id, events)
        save.woken.acquire()
        try:
            if not self._joined(save):
                save.woken.acquire()
            if not save.settled:
                self._lead()
        finally:  # a thread may be stopped at any point, and must leave nobody waiting for it
            if not save.settled or self._leader is save:
                self._leave(save)
        if save.error is not None:
            raise save.error
        assert save.positions is not None
        return save.positions

    def _joined(self, save: Save) -> bool:
        """Queues a save; true where its thread has to lead."""
        with self._lock:
            self._queue.append(save)
            if self._wanted and len(self._queue) >= self._wanted:
                self._wanted = 0
                self._gathered.release()
            if self._leader is None:
                self._leader = save
            return self._leader is save

    def _leave(self, save: Save) -> None:
        with self._lock:
            if save in self._queue:
                self._queue.remove(save)
            if self._leader is save:
                self._pass_on()

    def _pass_on(self) -> None:
        self._leader = self._queue[0] if self._queue else None
        if self._leader is not None:
            self._leader.woken.release()

    def _lead(self) -> None:
        """Settles the first saves of the queue, this thread's own among them."""
        self._gather()
        batch = self._take()
        started = time.perf_counter()
        try:
            self._commit(batch)
        finally:
            self._commit_seconds = time.perf_counter() - started
            with self._lock:
                self._company = len(batch) + len(self._queue)
                self._pass_on()
            for save in batch:
                if not save.settled:
                    save.error = SaveInterrupted("whether the change was saved is unknown")
                save.woken.release()

    def _gather(self) -> None:
        """Waits a moment for those who were served by the last batch."""
        with self._lock:
            if len(self._queue) >= self._company:
                return
            self._gathered.acquire(blocking=False)
            self._wanted = self._company
        self._gathered.acquire(timeout=min(PATIENCE * self._commit_seconds, LONGEST_WAIT))
        with self._lock:
            self._wanted = 0

    def _take(self) -> list[Save]:
        batch: list[Save] = []
        size = 0
        with self._lock:
            while self._queue and (not batch or size + len(self._queue[0].events) <= MOST_EVENTS):
                batch.append(self._queue.popleft())
                size += len(batch[-1].events)
        return batch

    def _commit(self, batch: list[Save]) -> None:
        """Settles every save of the batch."""
        try:
            self._try(batch)
        except Exception as error:
            waiting = [save for save in batch if not save.settled]
            if len(waiting) == 1 or isinstance(error, _OUTAGES):
                for save in waiting:
                    save.error = error
                return
            for save in waiting:  # one of them broke it for all
                self._commit([save])

    def _try(self, batch: list[Save]) -> None:
        for tried in range(MOST_TRIES):
            try:
                with self._pool.connection() as connection:
                    append(connection, [save for save in batch if not save.settled])
                return
            except _OUTAGES:
                for save in batch:
                    save.unsure = True
                if tried == MOST_TRIES - 1:
                    raise
                time.sleep(0.1 * 2**tried * random.uniform(0.5, 1.0))
