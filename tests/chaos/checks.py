"""After the storm: is everything there that was acknowledged, once, and does the log agree?"""

import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import psycopg

from domain.job import MOST_ATTEMPTS
from tests.chaos.ledger import Ledger
from tests.chaos.victims import Victims
from tests.e2e.running import EDGEWISE, Api
from tests.patience import eventually

VERDICTS = (["events", "verify"], ["replay", "--check"])

_UNSETTLED = """
SELECT (SELECT count(*) FROM outbox) AS outbox,
       (SELECT count(*) FROM jobs WHERE status NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')) AS jobs,
       (SELECT count(*) FROM followers
        WHERE position < (SELECT coalesce(max(position), 0) FROM events)) AS behind,
       (SELECT count(*) FROM followers WHERE stopped_position IS NOT NULL) AS stopped
"""
_MODEL = """query($id: ID!) { model(id: $id) { name status aliases { name artifact { id } }
  artifacts(first: 100) { nodes { id } } } }"""


def settle(victims: Victims) -> None:
    """Waits until every job has ended and every follower is where the log ends."""

    def settled() -> bool:
        with psycopg.connect(victims.postgres.url) as connection:
            counts = connection.execute(_UNSETTLED).fetchone()
        assert counts is not None
        assert not any(counts), f"outbox, jobs, behind, stopped: {counts}"
        return True

    eventually(settled)


def newest_position(victims: Victims) -> int:
    with psycopg.connect(victims.postgres.url) as connection:
        row = connection.execute("SELECT max(position) FROM events").fetchone()
    assert row is not None
    return int(row[0])


def wrong_with(victims: Victims, api: Api, ledger: Ledger) -> list[str]:
    """What is missing, double or at odds, in words."""
    with psycopg.connect(victims.postgres.url) as connection:
        found = [
            *ledger.wrong,
            *_wrong_models(api, ledger),
            *_wrong_streams(connection),
            *_wrong_jobs(connection, ledger),
            *_wrong_names(connection, ledger),
            *_wrong_quota(connection),
            *_wrong_told(connection, ledger),
        ]
    return [*found, *_wrong_verdicts(victims)]


def _wrong_models(api: Api, ledger: Ledger) -> Iterator[str]:
    for model, facts in ledger.models.items():
        row = api.run(_MODEL, id=model)["model"]
        if row is None:
            yield f"model {model} was acknowledged and is missing"
            continue
        aliases = {alias["name"]: alias["artifact"]["id"] for alias in row["aliases"]}
        artifacts = [node["id"] for node in row["artifacts"]["nodes"]]
        seen: dict[str, Any] = {"name": row["name"], "status": row["status"]}
        seen |= {f"alias {name}": artifact for name, artifact in aliases.items()}
        seen["artifact"] = artifacts[0] if artifacts else None
        if len(artifacts) > 1:
            yield f"model {model} has {len(artifacts)} artifacts where one was uploaded"
        for fact, value in facts.items():
            # A change that was asked for last may have been made without being acknowledged.
            if seen.get(fact) != value and fact != "status" and not fact.startswith("alias"):
                yield f"model {model}: {fact} is {seen.get(fact)}, acknowledged was {value}"
            if fact.startswith("alias") and fact not in seen:
                yield f"model {model}: {fact} was acknowledged and is missing"


def _wrong_streams(connection: psycopg.Connection) -> Iterator[str]:
    gaps = connection.execute(
        "SELECT originator_id, count(*), max(originator_version) FROM events"
        " GROUP BY originator_id HAVING count(*) <> max(originator_version)"
        " OR min(originator_version) <> 1"
    )
    for stream, count, last in gaps:
        yield f"stream {stream} has {count} events and ends at version {last}"


def _wrong_jobs(connection: psycopg.Connection, ledger: Ledger) -> Iterator[str]:
    stories: dict[str, list[str]] = {}
    for stream, topic in connection.execute(
        "SELECT originator_id::text, topic FROM events WHERE topic LIKE 'job.%%' ORDER BY position"
    ):
        stories.setdefault(stream, []).append(topic)
    for stream, topics in stories.items():
        times = Counter(topics)
        ends = times["job.succeeded"] + times["job.failed"] + times["job.cancelled"]
        if times["job.requested"] != 1 or ends != 1:
            yield f"job {stream}: {dict(times)}"
        tries = times["job.claimed"] - times["job.interrupted"]
        if times["job.failed"] and tries < MOST_ATTEMPTS:
            yield f"job {stream} was given up after {tries} attempts"
    for job, times_told in connection.execute(
        "SELECT job_id::text, count(*) FROM benchmarks GROUP BY job_id, artifact_id"
        " HAVING count(*) > 1"
    ):
        yield f"benchmark of job {job} is told {times_told} times"
    if len(stories) < len(ledger.jobs):
        yield f"{len(ledger.jobs)} jobs were acknowledged, {len(stories)} exist"


def _wrong_names(connection: psycopg.Connection, ledger: Ledger) -> Iterator[str]:
    names = [name for (name,) in connection.execute("SELECT name FROM models")]
    for name, times in Counter(names).items():
        if times > 1:
            yield f"{times} models are called {name}"
    for name in set(names) - ledger.asked:
        yield f"nobody asked for the model {name}"


def _wrong_quota(connection: psycopg.Connection) -> Iterator[str]:
    counted = dict(
        connection.execute(
            "SELECT topic, count(*) FROM events WHERE topic IN"
            " ('quota.spent', 'quota.returned', 'job.requested', 'model.registered',"
            "  'model.archived', 'model.restored', 'job.failed') GROUP BY topic"
        ).fetchall()
    )
    units = counted.get("quota.spent", 0) - counted.get("quota.returned", 0)
    owed = counted.get("job.requested", 0) + counted.get("model.registered", 0)
    owed -= counted.get("model.archived", 0) - counted.get("model.restored", 0)
    owed -= counted.get("job.failed", 0)  # killed too often: our fault, and not charged
    if units != owed:
        yield f"{units} units are spent where {owed} are owed: {counted}"


def _wrong_told(connection: psycopg.Connection, ledger: Ledger) -> Iterator[str]:
    told = ledger.positions
    for before, after in pairwise(told):
        if after <= before:
            yield f"the watcher was told {after} after {before}"
    there = {position for (position,) in connection.execute("SELECT position FROM events")}
    for position in sorted(there - set(told))[:10]:
        yield f"the watcher was never told of {position}"
    for position in sorted(set(told) - there)[:10]:
        yield f"the watcher was told of {position}, which is not there"


def _wrong_verdicts(victims: Victims) -> Iterator[str]:
    for command in VERDICTS:
        done = subprocess.run(
            [EDGEWISE, *command],
            env={
                **victims.environment,
                "EDGEWISE_HOME": str(victims.home),
                "PATH": "/usr/bin:/bin",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            yield f"edgewise {' '.join(command)}: {done.stdout[-1000:]}"
