"""Where the updates of a rollout stand, from the read tables, all of it at one moment."""

import time
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from application.ports.rollouts import Place, Reading
from application.views.device import devices
from application.views.rollout_wakes import rollout_wakes
from application.views.update import updates
from domain.rollout_evidence import Tally
from infrastructure.postgres.database import Database

PATIENCE = 5.0
LOOK_EVERY = 0.01

_BAD = "('REJECTED', 'FAILED', 'TIMED_OUT', 'LOST', 'LOCAL_ROLLED_BACK')"
_BEFORE_INSTALLING = "('OFFERED', 'ACCEPTED', 'DOWNLOADING', 'VERIFIED', 'WAITING')"
_UNDER_WAY = (
    f"(u.state IN {_BEFORE_INSTALLING} OR u.state IN ('INSTALLING', 'PROBATION', 'REVERTING'))"
)
_BEGUN = "(u.wave <= %(wave)s OR u.forced OR u.attempt > 0)"
_ONLINE = """
EXISTS (SELECT 1 FROM device_sessions s WHERE s.device_id = u.device_id AND s.lost_at IS NULL)
"""
_FREE = "(d.update_id IS NULL OR d.update_id = u.id)"
# A device that has got another rollout's release since has nothing of this one any more.
_HAS_IT = """
(u.state IN ('LOST', 'INSTALLING', 'PROBATION', 'REVERTING') OR u.reverting
 OR u.state = 'CONFIRMED' AND (d.installed_by = u.rollout_id OR d.update_id = u.id))
AND NOT d.decommissioned
"""
_REVERTIBLE = f"""
(u.state IN ('INSTALLING', 'PROBATION', 'LOST')
 OR u.state = 'CONFIRMED' AND d.installed_by = u.rollout_id)
AND NOT u.reverting AND NOT d.decommissioned AND {_FREE} AND {_ONLINE}
"""
# From the updates to their devices, whatever the planner knows: in tables that were filled just now
# it looks every device's updates up in those of the whole rollout.
_OF = """
FROM updates u CROSS JOIN LATERAL (SELECT * FROM devices WHERE id = u.device_id OFFSET 0) d
WHERE u.rollout_id = %(rollout)s
"""
_CANCELABLE = f"(u.state = 'QUEUED' OR u.state IN {_BEFORE_INSTALLING})"
_READY = f"""
u.state = 'QUEUED' AND NOT u.forced AND u.wave <= %(wave)s AND NOT d.decommissioned
AND {_FREE} AND {_ONLINE}
"""
_FORCED = f"u.state = 'QUEUED' AND u.forced AND NOT d.decommissioned AND {_FREE} AND {_ONLINE}"
_OFFSET = """
CASE jsonb_typeof(d.facts -> 'utc_offset_minutes') WHEN 'number'
THEN least(greatest((d.facts ->> 'utc_offset_minutes')::numeric, -1440), 1440)::integer ELSE 0 END
"""
_FOLLOWED = "SELECT name, position FROM followers WHERE name = ANY(%(followers)s)"
_TALLIES = f"""
SELECT u.wave = %(wave)s AS present, {_BEGUN} AS begun,
    count(*) AS devices,
    count(*) FILTER (WHERE u.state = 'QUEUED') AS queued,
    count(*) FILTER (WHERE {_UNDER_WAY}) AS open,
    count(*) FILTER (WHERE u.state = 'CONFIRMED') AS confirmed,
    count(*) FILTER (WHERE u.state IN {_BAD}) AS bad,
    count(*) FILTER (WHERE u.state = 'SKIPPED') AS skipped,
    count(*) FILTER (WHERE u.state = 'CANCELED') AS canceled,
    count(*) FILTER (WHERE u.state = 'REVERTED') AS reverted,
    count(*) FILTER (WHERE {_HAS_IT}) AS not_taken_back,
    count(*) FILTER (WHERE u.state = 'QUEUED' AND NOT {_ONLINE}) AS offline,
    count(*) FILTER (WHERE {_FORCED}) AS forced,
    count(*) FILTER (WHERE {_CANCELABLE}) AS cancelable,
    count(*) FILTER (WHERE {_REVERTIBLE}) AS revertible,
    count(*) FILTER (WHERE u.offered_at > clock_timestamp() - interval '1 minute'
                       AND u.state <> 'REVERTING') AS offered_last_minute
{_OF} GROUP BY 1, 2
"""
_JUDGED = """
FROM updates WHERE rollout_id = %(rollout)s AND settled_position > %(judged_after)s
"""
_CLOCKS = f"SELECT {_OFFSET} AS minutes, count(*) AS devices {_OF} AND {_READY} GROUP BY 1"
# One statement sees one moment: what is counted is counted up to one position.
_READ = f"""
SELECT clock_timestamp() AS now,
    (SELECT jsonb_object_agg(name, position) FROM ({_FOLLOWED}) f) AS followed,
    (SELECT coalesce(jsonb_agg(t), '[]') FROM ({_TALLIES}) t) AS tallies,
    (SELECT coalesce(array_agg(outcome <> 'CONFIRMED' ORDER BY settled_position), '{{}}')
     {_JUDGED}) AS outcomes,
    (SELECT settled_by {_JUDGED} ORDER BY settled_position DESC LIMIT 1) AS last,
    (SELECT coalesce(jsonb_agg(c), '[]') FROM ({_CLOCKS}) c) AS clocks,
    (SELECT min(u.expires_at) {_OF} AND {_UNDER_WAY}) AS deadline
"""
_PLACES = f"SELECT u.id AS update_id, u.device_id {_OF} AND"
_ENDING = "ORDER BY u.position LIMIT %(most)s"
_SUMMED = ("forced", "cancelable", "revertible", "offered_last_minute")
_COUNTED = (
    "devices", "queued", "open", "confirmed", "bad", "skipped", "canceled", "reverted",
    "not_taken_back", "offline",
)  # fmt: skip


class PostgresRolloutProgress:
    """Implements `application.ports.rollouts.RolloutProgress`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(
        self, tenant_id: UUID, rollout_id: UUID, wave: int, *, judged_after: int, after: int
    ) -> Reading | None:
        values = {
            "rollout": rollout_id,
            "wave": wave,
            "judged_after": judged_after,
            "followers": [updates.name, devices.name, rollout_wakes.name],
        }
        until = time.monotonic() + PATIENCE
        while True:
            with self._database.tenant(tenant_id) as connection:
                row = connection.execute(_READ.encode(), values).fetchone()
            assert row is not None
            followed = row["followed"] or {}
            position = min(followed.get(updates.name, 0), followed.get(devices.name, 0))
            if position >= max(after, followed.get(rollout_wakes.name, 0)):
                return _reading(row, position)
            if time.monotonic() > until:
                return None
            time.sleep(LOOK_EVERY)

    def queued(self, tenant_id: UUID, rollout_id: UUID) -> frozenset[UUID]:
        statement = "SELECT device_id FROM updates WHERE rollout_id = %s"
        with self._database.tenant(tenant_id) as connection:
            rows = connection.execute(statement, (rollout_id,)).fetchall()
        return frozenset(row["device_id"] for row in rows)

    def ready(
        self, tenant_id: UUID, rollout_id: UUID, wave: int, offsets: Collection[int], most: int
    ) -> Sequence[Place]:
        values = {"wave": wave, "offsets": list(offsets)}
        condition = f"{_READY} AND {_OFFSET} = ANY(%(offsets)s)"
        return self._places(tenant_id, rollout_id, condition, most, values)

    def forced(self, tenant_id: UUID, rollout_id: UUID, most: int) -> Sequence[Place]:
        return self._places(tenant_id, rollout_id, _FORCED, most)

    def overdue(self, tenant_id: UUID, rollout_id: UUID, most: int) -> Sequence[Place]:
        condition = f"{_UNDER_WAY} AND u.expires_at <= clock_timestamp()"
        return self._places(tenant_id, rollout_id, condition, most)

    def cancelable(
        self, tenant_id: UUID, rollout_id: UUID, most: int, *, gone: bool
    ) -> Sequence[Place]:
        condition = f"{_CANCELABLE} AND d.decommissioned" if gone else _CANCELABLE
        return self._places(tenant_id, rollout_id, condition, most)

    def revertible(self, tenant_id: UUID, rollout_id: UUID, most: int) -> Sequence[Place]:
        return self._places(tenant_id, rollout_id, _REVERTIBLE, most)

    def failed(self, tenant_id: UUID, rollout_id: UUID, most: int) -> Sequence[Place]:
        condition = "u.state IN ('FAILED', 'TIMED_OUT', 'LOST', 'LOCAL_ROLLED_BACK')"
        return self._places(tenant_id, rollout_id, condition, most)

    def _places(
        self,
        tenant_id: UUID,
        rollout_id: UUID,
        condition: str,
        most: int,
        more: dict[str, Any] | None = None,
    ) -> list[Place]:
        statement = f"{_PLACES} {condition} {_ENDING}".encode()
        values = {"rollout": rollout_id, "most": most, **(more or {})}
        with self._database.tenant(tenant_id) as connection:
            return [Place(**row) for row in connection.execute(statement, values)]


def _reading(row: DictRow, position: int) -> Reading:
    tallies = row["tallies"]
    return Reading(
        position=position,
        now=row["now"],
        wave=_tally([one for one in tallies if one["present"]]),
        all=_tally([one for one in tallies if one["begun"]]),
        outcomes=tuple(row["outcomes"]),
        last=row["last"],
        ready={one["minutes"]: one["devices"] for one in row["clocks"]},
        deadline=row["deadline"],
        **{name: sum(one[name] for one in tallies) for name in _SUMMED},
    )


def _tally(rows: Sequence[dict[str, Any]]) -> Tally:
    return Tally(**{name: sum(row[name] for row in rows) for name in _COUNTED})
