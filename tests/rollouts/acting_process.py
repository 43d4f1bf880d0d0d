"""A worker's process that carries rollouts on until it is killed: `app_url system_url tenant`."""

import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from application.platform import Platform
from application.rollouts import carrying_out
from application.rollouts.advancing import advance_rollout
from application.rollouts.health_gates import HealthGates
from application.rollouts.reference import golden_of
from application.rollouts.worker import RolloutWorker
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.postgres.database import Database
from infrastructure.postgres.leases import PostgresLeases
from infrastructure.postgres.rollout_health import PostgresRolloutHealth
from infrastructure.postgres.rollouts import rollouts_in
from infrastructure.tuf.repositories import memory_repositories

DUE = """
SELECT dedupe_key::uuid AS id FROM outbox
WHERE kind = 'rollout' AND available_at <= clock_timestamp()
"""
FEW = 7
"""Offers between two looks, so that there are many places to be killed at."""


def main(app_url: str, system_url: str, tenant: str) -> None:
    carrying_out.AT_ONCE = FEW
    database, nothing = Database(app_url, system_url), None
    database.open()
    missing: Any = nothing
    platform = Platform(
        PostgresEventLog(database),
        *[missing] * 7,
        Path("."),
        rollouts=rollouts_in(database),
        targets=memory_repositories(),
    )
    health = PostgresRolloutHealth(database)
    leases = PostgresLeases(database, {"rollout": 2})
    worker = RolloutWorker(platform, leases, golden_of, HealthGates(health), "killed")
    while True:
        with database.system() as connection:
            due = connection.execute(DUE).fetchall()
        for row in due:
            advance_rollout(worker, UUID(tenant), row["id"])
        time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
