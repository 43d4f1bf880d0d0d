"""The relay: hands due rows of the outbox to a queue, as hints, until their work is done.

A row becomes due again some seconds after each hint, so a hint that a queue lost is given anew.
Several relays may run: each row is given by one of them at a time, and by none whose own worker
could not take it, so what nobody offers waits here and fills no queue; nor while somebody holds the
lease on what its key names, a job or a rollout.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from application.jobs.capability import Words
from application.ports.tracing import UNTRACED, After, Tracing
from infrastructure.looping import Looping
from infrastructure.postgres.database import Database

RESEND_AFTER = timedelta(seconds=5)
MOST = 100

_DUE = """
UPDATE outbox SET available_at = clock_timestamp() + %(resend)s, attempts = attempts + 1
WHERE (kind, dedupe_key) IN (
    SELECT kind, dedupe_key FROM outbox o
    WHERE available_at <= clock_timestamp() AND kind = %(kind)s
      AND coalesce(payload -> 'needs', jsonb_build_array('kind:' || (payload ->> 'job_kind')))
          <@ %(offers)s::jsonb
      AND NOT EXISTS (SELECT 1 FROM job_leases l
                      WHERE l.job_id::text = o.dedupe_key AND l.expires_at > clock_timestamp())
    ORDER BY available_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING tenant_id, dedupe_key, payload, created_at
"""
_SOONER = """
UPDATE outbox SET available_at = least(available_at, clock_timestamp() + %s)
WHERE kind = %s AND dedupe_key = %s
"""

Send = Callable[[UUID, dict[str, Any]], None]


class Relay(Looping):
    """A thread that relays one kind of row. `send` gives the hint; it may raise, and the row is
    then due again after the usual pause."""

    def __init__(
        self,
        database: Database,
        kind: str,
        send: Send,
        offers: Callable[[], Words],
        tracing: Tracing = UNTRACED,
    ) -> None:
        super().__init__(f"relay of {kind}", self.step)
        self._database, self._kind, self._send = database, kind, send
        self._offers, self._tracing = offers, tracing

    def again(self, dedupe_key: str, after: timedelta) -> None:
        """Gives the hint again sooner than usual."""
        with self._database.system() as connection:
            connection.execute(_SOONER, (after, self._kind, dedupe_key))

    def step(self) -> bool:
        """Hands over what is due; returns whether there may be more."""
        values = {
            "resend": RESEND_AFTER,
            "kind": self._kind,
            "most": MOST,
            "offers": Jsonb(sorted(self._offers())),
        }
        with self._database.system() as connection:
            rows = connection.execute(_DUE, values).fetchall()
        for row in sorted(rows, key=lambda row: row["created_at"]):
            with self._tracing.span("relay", _after(row), "producer"):
                self._send(row["tenant_id"], row["payload"])
        return len(rows) == MOST


def _after(row: DictRow) -> After:
    """The first event of what is to be worked on, a job or a rollout."""
    payload = row["payload"]
    return After(payload["correlation_id"], f"{row['dedupe_key']}/1")
