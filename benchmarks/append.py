"""Appending events, durably, against what PostgreSQL gives a program that does nothing else.

Measured is the recorder (`TenantEventRecorder.insert_events`): stored events in, positions out,
with tenants, hash chain, ordered positions and word to listeners. Against it: an INSERT by psycopg
into a table of the same columns, indexes and constraints, one statement a transaction, prepared,
in autocommit, and the recorder that the eventsourcing library has by default. All threads have
connections from before, all write to one server with its default durability, and the rounds of
all take turns; the figures are medians. `save` of the whole event log, with its aggregates and
JSON, is in the note.
"""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from os import urandom
from statistics import median
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import InfrastructureFactory, StoredEvent
from eventsourcing.utils import Environment
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from benchmarks.figure import Figure, Target
from benchmarks.installation import temporary_installation
from domain.cause import Cause, acting
from domain.model import Model, Task
from infrastructure.event_store.recorder import TenantEventRecorder
from interfaces.bootstrap import Installation

THREADS, ROUNDS, SECONDS, MANY = 8, 15, 0.7, 100
WARM_UP = 0.5
TOPIC = "model.archived"
STATE = (
    b'{"timestamp":"2026-01-01T00:00:00.000000+00:00","cause":{"tenant_id":"%s","actor":"key:%s",'
)
STATE += b'"causation_id":"request:%s","correlation_id":"%s"}}'
STATE %= tuple(str(uuid4()).encode() for _ in range(4))
COLUMNS = "originator_id, originator_version, topic, state, tenant_id, stream_hash, log_hash"
TYPES = ("uuid", "bigint", "text", "bytea", "uuid", "bytea", "bytea")
INSERT_ONE = f"INSERT INTO raw_events ({COLUMNS}) VALUES ({', '.join(['%b'] * len(TYPES))})"
INSERT_MANY = (
    f"INSERT INTO raw_events ({COLUMNS}) SELECT * FROM "
    f"unnest({', '.join(f'%b::{kind}[]' for kind in TYPES)})"
)

Work = Callable[[], None]


def measure() -> Iterable[Figure]:
    """The three figures of appends."""
    with temporary_installation() as (installation, _), ExitStack() as closing:
        with psycopg.connect(installation.owner_url) as owner:
            owner.execute("CREATE TABLE raw_events (LIKE events INCLUDING ALL)")
        recorder = TenantEventRecorder(installation.database)
        library = _library(installation.owner_url)
        ones = _in_turns(
            {
                "edgewise": [_recorded(recorder, 1) for _ in range(THREADS)],
                "raw": [_raw_one(_connected(installation, closing)) for _ in range(THREADS)],
                "library": [_stored(library) for _ in range(THREADS)],
                "save": [_saved(installation) for _ in range(THREADS)],
            }
        )
        hundreds = _in_turns(
            {
                "edgewise": [_recorded(recorder, MANY)],
                "raw": [_raw_many(_connected(installation, closing))],
            }
        )
    return _figures(ones, {name: rate * MANY for name, rate in hundreds.items()})


def _figures(ones: dict[str, float], hundreds: dict[str, float]) -> list[Figure]:
    mine, raw, library = ones["edgewise"], ones["raw"], ones["library"]
    layer = (
        f"recorder to recorder; PostgresEventLog.save with aggregates and JSON: "
        f"{ones['save']:,.0f}/s, {ones['save'] / raw:.2f} of raw"
    )
    against = "raw INSERT, a row a transaction"
    unit = "events/s"
    ratio = mine / raw
    many = hundreds["edgewise"] / hundreds["raw"]
    return [
        Figure("append_one", mine, unit, raw, ratio, against, Target(0.4, 0.6), layer),
        Figure(
            "append_one_vs_library",
            mine,
            unit,
            library,
            mine / library,
            "the library's default recorder",
            Target(4, 6),
            f"{THREADS} threads; the library against raw: {library / raw:.2f}",
        ),
        Figure(
            "append_hundred",
            hundreds["edgewise"],
            unit,
            hundreds["raw"],
            many,
            "raw INSERT from unnest",
            Target(0.4, 0.6),
            f"one thread, {MANY} events of one stream a save",
        ),
    ]


def _in_turns(contestants: dict[str, list[Work]]) -> dict[str, float]:
    """How often each does its work in a second: the median of the rounds, all taking turns."""
    for works in contestants.values():
        _rate(works, WARM_UP)
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(ROUNDS):
        names = list(contestants)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            rates[name].append(_rate(contestants[name], SECONDS))
    return {name: median(found) for name, found in rates.items()}


def _rate(works: list[Work], seconds: float) -> float:
    start = threading.Barrier(len(works) + 1)
    done = [0] * len(works)

    def run(place: int, work: Work) -> None:
        start.wait()
        while time.perf_counter() < end:
            work()
            done[place] += 1

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    end = time.perf_counter() + seconds
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - began)


def _recorded(recorder: TenantEventRecorder, many: int) -> Work:
    cause = Cause(uuid4(), "system", "benchmark", "benchmark")

    def work() -> None:
        stream = uuid4()
        with acting(cause):
            recorder.insert_events(
                [StoredEvent(stream, version, TOPIC, STATE) for version in range(1, many + 1)]
            )

    return work


def _saved(installation: Installation) -> Work:
    cause = Cause(uuid4(), "system", "benchmark", "benchmark")

    def work() -> None:
        with acting(cause):
            installation.log.save(Model.register(uuid4(), "benchmark", Task.OTHER, ""))

    return work


def _connected(installation: Installation, closing: ExitStack) -> Connection:
    return closing.enter_context(
        psycopg.connect(installation.owner_url, autocommit=True, prepare_threshold=0)
    )


def _row(stream: UUID, version: int, tenant: UUID) -> tuple[object, ...]:
    return stream, version, TOPIC, STATE, tenant, urandom(32), urandom(32)


def _raw_one(connection: Connection) -> Work:
    tenant = uuid4()
    return lambda: _ignore(connection.execute(INSERT_ONE, _row(uuid4(), 1, tenant)))


def _raw_many(connection: Connection) -> Work:
    tenant = uuid4()

    def work() -> None:
        stream = uuid4()
        rows = (_row(stream, version, tenant) for version in range(1, MANY + 1))
        connection.execute(INSERT_MANY, [list(column) for column in zip(*rows, strict=True)])

    return work


def _library(owner_url: str) -> Callable[[list[StoredEvent]], object]:
    parts = conninfo_to_dict(owner_url)
    names = {"dbname": "DBNAME", "host": "HOST", "port": "PORT", "user": "USER"}
    values = {f"POSTGRES_{name}": str(parts[part]) for part, name in names.items()}
    values |= {"POSTGRES_PASSWORD": str(parts.get("password", "")), "POSTGRES_SCHEMA": "public"}
    environment = {"PERSISTENCE_MODULE": "eventsourcing.postgres", **values}
    factory = InfrastructureFactory.construct(Environment("benchmark", environment))
    return factory.application_recorder().insert_events


def _stored(insert: Callable[[list[StoredEvent]], object]) -> Work:
    return lambda: _ignore(insert([StoredEvent(uuid4(), 1, TOPIC, STATE)]))


def _ignore(_: object) -> None:
    pass
