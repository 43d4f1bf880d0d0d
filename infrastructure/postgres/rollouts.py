"""What commands on rollouts look up, in PostgreSQL."""

from application.ports.rollouts import Rollouts
from infrastructure.postgres.database import Database
from infrastructure.postgres.rollout_devices import PostgresRolloutDevices, PostgresRolloutMembers
from infrastructure.postgres.rollout_progress import PostgresRolloutProgress
from infrastructure.postgres.rollout_wakes import PostgresRolloutWakes


def rollouts_in(database: Database) -> Rollouts:
    return Rollouts(
        PostgresRolloutDevices(database),
        PostgresRolloutMembers(database),
        PostgresRolloutProgress(database),
        PostgresRolloutWakes(database),
    )
