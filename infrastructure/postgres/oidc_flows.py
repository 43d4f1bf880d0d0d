"""Sign-ins that are away at a provider, in PostgreSQL: any process may see them return."""

import hashlib
from datetime import datetime

from application.ports.identity_provider import Away, Flow
from infrastructure.postgres.database import Database

_KEEP = """
INSERT INTO oidc_flows (state_sha256, browser_sha256, nonce, verifier, invitation, linking,
                        expires_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_TAKE = """
DELETE FROM oidc_flows WHERE state_sha256 = %s
RETURNING browser_sha256, nonce, verifier, invitation, linking, expires_at
"""


class PostgresFlows:
    """Implements `application.ports.identity_provider.Flows`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, away: Away) -> None:
        flow = away.flow
        row = (_hash(flow.state), away.browser, flow.nonce, flow.verifier, away.invitation)
        with self._database.system() as connection:
            connection.execute(_KEEP, (*row, away.linking, away.expires_at))

    def take(self, state: str, now: datetime) -> Away | None:
        with self._database.system() as connection:
            row = connection.execute(_TAKE, (_hash(state),)).fetchone()
        if row is None or row["expires_at"] <= now:
            return None
        flow = Flow(state, row["nonce"], row["verifier"])
        return Away(
            flow, row["browser_sha256"], row["expires_at"], row["invitation"], row["linking"]
        )


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()
