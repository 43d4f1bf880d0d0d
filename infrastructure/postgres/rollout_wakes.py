"""The rows of the outbox that wake rollouts."""

from uuid import UUID

from application.ports.rollouts import Wake
from application.views.rollout_wakes import KIND
from infrastructure.postgres.database import Database

_CURRENT = """
SELECT payload, payload::text AS token FROM outbox WHERE kind = %s AND dedupe_key = %s
"""
# Its payload is another one each time, so that an actor at work sees that it was woken again.
_WAKE_WAITING = """
INSERT INTO outbox (kind, dedupe_key, tenant_id, payload, available_at)
SELECT %(kind)s, u.rollout_id::text, u.tenant_id, jsonb_build_object(
           'rollout', u.rollout_id, 'position', u.changed, 'cause', u.id::text || '/1',
           'correlation_id', u.rollout_id, 'needs', jsonb_build_array('kind:' || %(kind)s),
           'nudge', gen_random_uuid()), clock_timestamp()
FROM updates u JOIN rollouts r ON r.id = u.rollout_id
WHERE u.device_id = %(device)s AND u.tenant_id = %(tenant)s
  AND (u.state = 'QUEUED' AND r.status IN ('RUNNING', 'COMPLETED')
       OR r.status IN ('ROLLING_BACK', 'ROLLBACK_INCOMPLETE')
          AND u.state IN ('CONFIRMED', 'LOST', 'INSTALLING', 'PROBATION'))
ON CONFLICT (kind, dedupe_key) DO UPDATE
    SET payload = outbox.payload || jsonb_build_object('nudge', gen_random_uuid()),
        available_at = least(outbox.available_at, excluded.available_at)
"""
_SLEEP = """
UPDATE outbox SET available_at = clock_timestamp() + make_interval(secs => %s)
WHERE kind = %s AND dedupe_key = %s AND payload = %s::jsonb RETURNING dedupe_key
"""
_DONE = """
DELETE FROM outbox WHERE kind = %s AND dedupe_key = %s AND payload = %s::jsonb RETURNING dedupe_key
"""


class PostgresRolloutWakes:
    """Implements `application.ports.rollouts.RolloutWakes`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self, tenant_id: UUID, rollout_id: UUID) -> Wake | None:
        with self._database.system() as connection:
            row = connection.execute(_CURRENT, (KIND, str(rollout_id))).fetchone()
        if row is None:
            return None
        payload = row["payload"]
        return Wake(payload["cause"], payload["correlation_id"], row["token"])

    def wake_waiting(self, tenant_id: UUID, device_id: UUID) -> None:
        values = {"kind": KIND, "device": device_id, "tenant": tenant_id}
        with self._database.system() as connection:
            connection.execute(_WAKE_WAITING, values)

    def sleep(self, rollout_id: UUID, wake: Wake, seconds: float | None) -> bool:
        key = (KIND, str(rollout_id), wake.token)
        with self._database.system() as connection:
            if seconds is None:
                row = connection.execute(_DONE, key).fetchone()
            else:
                row = connection.execute(_SLEEP, (seconds, *key)).fetchone()
        return row is not None
