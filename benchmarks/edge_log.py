"""The event log of a device: events of 127 bytes, each durable before it is acknowledged.

`edge_log`: 100,000 events a second are offered for SECONDS, a hundred each millisecond; an
acknowledgement is the moment at which the log says that they are durable (encrypted, committed,
synced). The delay of every event is measured, none is sampled; what comes late because the
benchmark itself was held up counts from when it was due.

`edge_log_vs_sqlite`: as many as the log takes, a hundred at once, against a program that does
nothing but put the same events, joined, into rows of the same size in SQLite with the same
settings, as many a transaction as the log had on average. No encryption, threads or accounts of
room there. In turns. The notes have the machine's load: both are of disk and processor alike.
"""

import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from uuid import uuid4

import apsw

from benchmarks.figure import Better, Figure, Target
from edge.store.batch import MOST_SEGMENT, LogRefused
from edge.store.database import SETTINGS
from edge.store.log import EventLog
from edge.store.streams import Channel, Priority, Stream

RATE, SECONDS, BYTES, BURST = 100_000, 20, 127, 100
FLOOD, ROUNDS = 1_000_000, 7
STREAM = Stream(Channel.LOG, Priority.NORMAL)
IN_FLIGHT = 4 << 20
LIMIT = 4 << 30


def measure() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory(prefix="edgewise-bench-") as folder:
        yield _offered(Path(folder))
    with tempfile.TemporaryDirectory(prefix="edgewise-bench-") as folder:
        yield _compared(Path(folder))


def _offered(folder: Path) -> Figure:
    log = EventLog(folder / "events.db", folder / "key", lambda: LIMIT, time.time)
    burst = [_event()] * BURST
    delays: list[float] = []
    refused, ticks = 0, SECONDS * RATE // BURST
    began = time.perf_counter()
    for tick in range(ticks):
        due = began + tick * BURST / RATE
        while (left := due - time.perf_counter()) > 0:
            time.sleep(left)
        try:
            batch = log.extend(STREAM, burst)
        except LogRefused:
            refused += BURST
            continue
        batch.done.add_done_callback(
            lambda _, due=due: delays.append(time.perf_counter() - due)  # type: ignore[misc]
        )
    took = time.perf_counter() - began
    log.close()
    delays.sort()
    p50, p99, worst = (delays[int(len(delays) * share)] * 1_000 for share in (0.5, 0.99, 0.9999))
    note = (
        f"{ticks * BURST / took:,.0f} events/s offered for {took:.0f} s, {refused:,} refused, "
        f"{len(delays) * BURST:,} acknowledged; p50 {p50:.1f} ms, p99.99 {worst:.1f} ms; "
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    return Figure("edge_log", p99, "ms", target=Target(50, 9, Better.LESS), note=note)


def _compared(folder: Path) -> Figure:
    event = _event()
    mine, raw, groups = [], [], []
    for turn in range(ROUNDS):
        rate, each = _flooded(folder / f"log-{turn}", event)
        mine.append(rate)
        groups.append(each)
        raw.append(_raw(folder / f"raw-{turn}.db", event, median(groups)))
    return Figure(
        "edge_log_vs_sqlite",
        median(mine),
        "events/s",
        median(raw),
        median(mine) / median(raw),
        "raw SQLite segments",
        Target(0.8, 1),
        f"{FLOOD:,} events, {ROUNDS} rounds in turns, {median(groups):,.0f} events a transaction; "
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
    )


def _flooded(folder: Path, event: bytes) -> tuple[float, float]:
    """Events a second, and events a transaction."""
    folder.mkdir()
    groups = 0

    def grown() -> None:
        nonlocal groups
        groups += 1

    log = EventLog(folder / "events.db", folder / "key", lambda: LIMIT, time.time, grown)
    log.append(STREAM, event).done.result()
    groups = 0
    every, burst = IN_FLIGHT // len(event) // BURST, [event] * BURST
    began = time.perf_counter()
    before = log.append(STREAM, event)
    for number in range(FLOOD // BURST):
        batch = log.extend(STREAM, burst)
        if number % every == 0:
            before.done.result()
            before = batch
    batch.done.result()
    took = time.perf_counter() - began
    log.close()
    return FLOOD / took, FLOOD / max(1, groups)


def _raw(path: Path, event: bytes, group: float) -> float:
    """Events a second, `group` of them a transaction."""
    db = apsw.Connection(str(path))
    db.execute(SETTINGS).fetchall()
    db.execute(
        "CREATE TABLE segments (id INTEGER PRIMARY KEY, log INTEGER NOT NULL, "
        "first INTEGER NOT NULL, count INTEGER NOT NULL, events BLOB NOT NULL)"
    )
    burst = [event] * BURST
    waiting: list[bytes] = []
    segments: list[tuple[int, int, int, bytes]] = []
    began = time.perf_counter()
    first, size, held = 1, 0, 0
    for number in range(BURST, FLOOD + 1, BURST):
        waiting += burst
        size += sum(map(len, burst))
        if size >= MOST_SEGMENT or number == FLOOD:
            segments.append((1, first, len(waiting), b"\n".join(waiting)))
            held += len(waiting)
            first, size, waiting = number + 1, 0, []
            if held >= group or number == FLOOD:
                with db:
                    db.executemany(
                        "INSERT INTO segments (log, first, count, events) VALUES (?, ?, ?, ?)",
                        segments,
                    )
                segments, held = [], 0
    took = time.perf_counter() - began
    db.close()
    return FLOOD / took


def _event() -> bytes:
    event = b'{"at":1795219200.123456,"kind":"reading","sensor":"%s","value":1.25,"pad":"' % (
        str(uuid4()).encode()
    )
    return event + b"x" * (BYTES - len(event) - 2) + b'"}'
