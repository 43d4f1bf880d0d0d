"""Projecting, as a projector would, and looking at what came of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from psycopg import Connection

from application.views.registry import VIEWS
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.following.follower import Follower
from infrastructure.following.projection import Projection
from infrastructure.postgres.database import Database

MODELS = next(view for view in VIEWS if view.name == "models")


def quiet(name: str, position: int, until: int) -> None:
    pass


def project(database: Database, *names: str) -> None:
    for view in VIEWS:
        if not names or view.name in names:
            follower = Follower(database, Projection(view), TypedMapper())
            for _ in range(3):
                follower.step()


def rows(owner: Connection[Any], table: str = "models") -> list[Any]:
    return owner.execute(f"SELECT to_jsonb(t) FROM {table} t ORDER BY position").fetchall()


def schemas(owner: Connection[Any]) -> list[str]:
    found = owner.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'edgewise%'")
    return [row[0] for row in found]


@contextmanager
def repeating(work: Callable[[], None], failed: list[BaseException]) -> Iterator[None]:
    """Does it again and again in a thread, until the block ends or it fails."""
    done = Event()

    def run() -> None:
        try:
            while not done.is_set():
                work()
        except BaseException as error:
            failed.append(error)

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
