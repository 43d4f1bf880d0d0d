"""The events with their hashes as PostgreSQL holds them, in the order of positions, in batches."""

from collections.abc import Iterator
from uuid import UUID

from psycopg.rows import DictRow

from application.audit.chain import ChainedEvent, NoChain
from infrastructure.following.feed import head
from infrastructure.postgres.database import Database

BATCH = 2_000
_CHAINED = "SELECT 1 FROM pg_trigger WHERE tgname = 'chain' AND tgrelid = to_regclass('events')"
_NEXT = """
SELECT position, originator_id, originator_version, topic, state, tenant_id, recorded_at,
       stream_hash, log_hash
FROM events
WHERE position > %(after)s AND position <= %(end)s
  AND (%(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s)
ORDER BY position LIMIT %(limit)s
"""


class StoredChain:
    """Reads what is in the log when it is made, of one tenant or of all. Raises NoChain."""

    def __init__(self, database: Database, tenant_id: UUID | None = None) -> None:
        self._database, self._tenant_id = database, tenant_id
        with database.system() as connection:
            if connection.execute(_CHAINED).fetchone() is None:
                raise NoChain("the events have no hashes yet; run `edgewise migrate` first")
            self.end = head(connection)

    def events(self, batch: int = BATCH) -> Iterator[ChainedEvent]:
        after = 0
        while True:
            values = {"after": after, "end": self.end, "tenant": self._tenant_id, "limit": batch}
            with self._database.system() as connection:
                rows = connection.execute(_NEXT, values, binary=True).fetchall()
            yield from (_event(row) for row in rows)
            if len(rows) < batch:
                return
            after = rows[-1]["position"]


def _event(row: DictRow) -> ChainedEvent:
    return ChainedEvent(
        position=row["position"],
        stream=row["originator_id"],
        version=row["originator_version"],
        topic=row["topic"],
        state=bytes(row["state"]),
        tenant_id=row["tenant_id"],
        recorded_at=row["recorded_at"],
        stream_hash=bytes(row["stream_hash"]),
        log_hash=bytes(row["log_hash"]),
    )
