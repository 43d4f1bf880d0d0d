"""One listener for many: each hears its own channel, and a broken one disturbs nobody."""

import threading

from application.ports.listening import EVENTS, FOLLOWED
from infrastructure.postgres.database import Database
from infrastructure.postgres.listener import PostgresListener
from tests.patience import PATIENCE, eventually

KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE query LIKE 'LISTEN%' AND datname = current_database()
"""


def _say(pools: Database, channel: str, word: str) -> None:
    with pools.system() as connection:
        connection.execute("SELECT pg_notify(%s, %s)", (channel, word))


def test_each_hears_its_own_channel_in_order(pools: Database, listener: PostgresListener) -> None:
    events: list[str | None] = []
    followed: list[str | None] = []
    listener.subscribe(EVENTS, events.append)
    listener.subscribe(FOLLOWED, followed.append)
    for word in ("1", "2", "3"):
        _say(pools, EVENTS, word)
    eventually(lambda: len(events) == 3)
    assert events == ["1", "2", "3"]
    assert followed == []


def test_a_broken_subscriber_disturbs_nobody(pools: Database, listener: PostgresListener) -> None:
    heard: list[str | None] = []

    def broken(word: str | None) -> None:
        raise RuntimeError(word)

    listener.subscribe(EVENTS, broken)
    listener.subscribe(EVENTS, heard.append)
    _say(pools, EVENTS, "x")
    eventually(lambda: heard == ["x"])


def test_who_has_unsubscribed_hears_nothing(pools: Database, listener: PostgresListener) -> None:
    heard: list[str | None] = []
    others: list[str | None] = []
    unsubscribe = listener.subscribe(EVENTS, heard.append)
    listener.subscribe(EVENTS, others.append)
    unsubscribe()
    unsubscribe()
    _say(pools, EVENTS, "x")
    eventually(lambda: others == ["x"])
    assert heard == []


def test_after_a_lost_connection_everyone_is_told_to_catch_up(
    pools: Database, listener: PostgresListener
) -> None:
    caught_up, heard = threading.Event(), threading.Event()
    listener.subscribe(EVENTS, lambda word: (heard if word else caught_up).set())
    with pools.system() as connection:
        connection.execute(KILL)
    assert caught_up.wait(PATIENCE)
    _say(pools, EVENTS, "x")
    assert heard.wait(PATIENCE)


def test_closing_does_not_wait_until_it_looks_up(pools: Database) -> None:
    listener = PostgresListener(pools.system_url, look_up=100 * PATIENCE)
    listener.start()
    assert listener.connected.wait(PATIENCE)
    listener.close()
    assert not listener.connected.is_set()
