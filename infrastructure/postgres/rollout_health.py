"""What devices measured of themselves, from telemetry and, for starts, from the event log.

Times are the devices' own, as telemetry has them; a start is the first that is heard of a boot_id.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from application.ports.rollout_health import Period, Periods
from domain.device import Device
from domain.rollout_plan import HealthMetric
from infrastructure.postgres.database import Database

LOOK_BACK = timedelta(hours=1)
"""How long before the rollout, or before its own update, a device is looked at."""
MOST_DEVICES = 500
"""Of each side: the median of more says no more. An update's id is as good as random."""

_PERIODS = """
WITH of_it AS (
    SELECT u.*, r.started_at FROM updates u JOIN rollouts r ON r.id = u.rollout_id
    JOIN devices d ON d.id = u.device_id
    WHERE u.rollout_id = %(rollout)s AND r.started_at IS NOT NULL AND NOT d.decommissioned
), sides AS (
    SELECT 'new' AS side, id, device_id, settled_at AS since, clock_timestamp() AS until
    FROM of_it WHERE state = 'CONFIRMED' AND settled_at IS NOT NULL
    UNION ALL
    SELECT 'old', id, device_id, started_at - %(look_back)s, clock_timestamp()
    FROM of_it WHERE state = 'QUEUED' AND offered_at IS NULL
    UNION ALL
    SELECT 'before', id, device_id, offered_at - %(look_back)s, offered_at
    FROM of_it WHERE offered_at IS NOT NULL
), numbered AS (
    SELECT *, row_number() OVER (PARTITION BY side ORDER BY id) AS number FROM sides
)
SELECT side, device_id, since, until FROM numbered WHERE number <= %(most)s ORDER BY id
"""
_GIVEN = """
WITH given AS (
    SELECT * FROM unnest(%(devices)s::uuid[], %(since)s::timestamptz[], %(until)s::timestamptz[])
        AS g (device_id, since, until)
)
"""
_OF_TELEMETRY = """
FROM given g JOIN telemetry t ON t.tenant_id = %(tenant)s AND t.device_id = g.device_id
    AND t.at > g.since AND t.at <= g.until
"""
_INFERENCE = f"""
{_OF_TELEMETRY} AND t.kind = 'inference' AND t.topic = 'telemetry/model'
    AND (%(model)s::text IS NULL OR t.body ->> 'model' = %(model)s)
"""


def _number(field: str) -> str:
    """What is no number that it could be, from a device that means no good, is nothing told."""
    return (
        f"(CASE WHEN jsonb_typeof(t.body -> '{field}') = 'number' "
        f"AND (t.body ->> '{field}')::numeric BETWEEN 0 AND 1e15 "
        f"THEN (t.body ->> '{field}')::double precision END)"
    )


_FAILED = f"coalesce(sum({_number('failed')}), 0)"
_RAN = f"coalesce(sum({_number('count')}), 0)"
_MEDIAN = "percentile_cont(0.5) WITHIN GROUP (ORDER BY"
_MEASURED = {
    HealthMetric.LATENCY: f"""
        {_GIVEN} SELECT g.device_id, {_MEDIAN} {_number("p95_ms")}) AS value
        {_INFERENCE} GROUP BY 1
    """,
    HealthMetric.ERROR_RATE: f"""
        {_GIVEN} SELECT g.device_id, {_FAILED} / nullif({_FAILED} + {_RAN}, 0) AS value
        {_INFERENCE} GROUP BY 1
    """,
    HealthMetric.MEMORY: f"""
        {_GIVEN} SELECT g.device_id, {_MEDIAN} {_number("agent_rss_bytes")}) AS value
        {_OF_TELEMETRY} AND t.kind = 'sample' AND t.topic = 'telemetry/sys' GROUP BY 1
    """,
    HealthMetric.CRASH_RATE: f"""
        {_GIVEN}, starts AS (
            SELECT e.originator_id AS device_id, min(e.recorded_at) AS at
            FROM events e
            WHERE e.tenant_id = %(tenant)s AND e.topic = %(came_online)s
                AND e.originator_id = ANY(%(devices)s)
            GROUP BY 1, convert_from(e.state, 'UTF8')::jsonb ->> 'boot_id'
        )
        SELECT g.device_id,
            count(s.at) * 3600 / extract(epoch FROM g.until - g.since)::double precision AS value
        FROM given g
        JOIN device_sessions heard ON heard.device_id = g.device_id AND heard.seen_at > g.since
        LEFT JOIN starts s ON s.device_id = g.device_id AND s.at > g.since AND s.at <= g.until
        WHERE g.until - g.since >= interval '1 minute'
        GROUP BY g.device_id, g.since, g.until
    """,
}


class PostgresRolloutHealth:
    """Implements `application.ports.rollout_health.RolloutHealth`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def periods(self, tenant_id: UUID, rollout_id: UUID) -> Periods:
        values = {"rollout": rollout_id, "look_back": LOOK_BACK, "most": MOST_DEVICES}
        found: dict[str, list[Period]] = {"new": [], "old": [], "before": []}
        with self._database.tenant(tenant_id) as connection:
            for row in connection.execute(_PERIODS, values):
                found[row["side"]].append(Period(row["device_id"], row["since"], row["until"]))
        return Periods(**found)

    def measured(
        self,
        tenant_id: UUID,
        metric: HealthMetric,
        periods: Sequence[Period],
        model: str | None = None,
    ) -> Mapping[UUID, float]:
        if not periods:
            return {}
        values = {
            "tenant": tenant_id,
            "devices": [one.device_id for one in periods],
            "since": [one.since for one in periods],
            "until": [one.until for one in periods],
            "model": model,
            "came_online": Device.CameOnline.TOPIC,
        }
        with self._database.tenant(tenant_id) as connection:
            rows = connection.execute(_MEASURED[metric].encode(), values).fetchall()
        return {row["device_id"]: float(row["value"]) for row in rows if row["value"] is not None}
