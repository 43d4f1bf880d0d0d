"""Users, their identities and their invitations in PostgreSQL, through the system's role alone."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg

from application.ports.listening import ACCESS
from application.ports.people import EmailTaken, IdentityTaken, Invitee
from domain.principal import Role
from domain.user import Identity, Membership, User, email_key
from infrastructure.postgres.database import Database

_USER = "u.id, u.email, u.name, u.created_at, u.password_hash"
_ADD = """
INSERT INTO users (id, email, email_key, name, password_hash, created_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_LINK = """
INSERT INTO user_identities (issuer, subject, user_id) VALUES (%s, %s, %s)
ON CONFLICT (issuer, subject) DO UPDATE SET user_id = user_identities.user_id
RETURNING user_id
"""
_OF_IDENTITY = f"""
SELECT {_USER} FROM users u JOIN user_identities i ON i.user_id = u.id
WHERE i.issuer = %s AND i.subject = %s
"""
_MEMBERSHIPS = """
SELECT m.tenant_id, t.name AS tenant_name, m.role
FROM tenant_members m JOIN tenants t ON t.id = m.tenant_id
WHERE m.user_id = %s ORDER BY m.position
"""
_END_SESSIONS = """
WITH ended AS (DELETE FROM sessions WHERE user_id = %s RETURNING id)
SELECT pg_notify(%s, 'session ' || id) FROM ended
"""
_FORGET_INVITEES = """
DELETE FROM invitees WHERE email_key = (SELECT email_key FROM users WHERE id = %s)
"""
_INVITEE = "invitation_id, tenant_id, email, sha256, expires_at"
_KEEP = f"""
INSERT INTO invitees ({_INVITEE}, email_key) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (invitation_id) DO NOTHING RETURNING invitation_id
"""


class PostgresPeople:
    """Implements `application.ports.people.PeopleTable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user: User) -> None:
        row = (user.id, user.email, email_key(user.email), user.name, user.password_hash)
        try:
            with self._database.system() as connection:
                connection.execute(_ADD, (*row, user.created_at))
        except psycopg.errors.UniqueViolation as error:
            raise EmailTaken from error

    def by_email(self, email: str) -> User | None:
        return self._one(f"SELECT {_USER} FROM users u WHERE email_key = %s", email_key(email))

    def named(self, user_ids: Collection[UUID]) -> Mapping[UUID, User]:
        with self._database.system() as connection:
            statement = f"SELECT {_USER} FROM users u WHERE id = ANY(%s)"
            rows = connection.execute(statement, (list(user_ids),)).fetchall()
        return {row["id"]: User(**row) for row in rows}

    def set_password(self, user_id: UUID, password_hash: str) -> None:
        with self._database.system() as connection:
            statement = "UPDATE users SET password_hash = %s WHERE id = %s"
            connection.execute(statement, (password_hash, user_id))

    def erase(self, user_id: UUID) -> bool:
        with self._database.system() as connection:
            connection.execute(_END_SESSIONS, (user_id, ACCESS))
            connection.execute(_FORGET_INVITEES, (user_id,))
            gone = connection.execute("DELETE FROM users WHERE id = %s", (user_id,))
            return gone.rowcount > 0

    def link(self, user_id: UUID, identity: Identity) -> None:
        with self._database.system() as connection:
            values = (identity.issuer, identity.subject, user_id)
            row = connection.execute(_LINK, values).fetchone()
        assert row is not None
        if row["user_id"] != user_id:
            raise IdentityTaken

    def user_of(self, identity: Identity) -> User | None:
        return self._one(_OF_IDENTITY, identity.issuer, identity.subject)

    def of(self, user_id: UUID) -> Sequence[Membership]:
        with self._database.system() as connection:
            rows = connection.execute(_MEMBERSHIPS, (user_id,)).fetchall()
        return [Membership(row["tenant_id"], row["tenant_name"], Role(row["role"])) for row in rows]

    def _one(self, statement: str, *values: Any) -> User | None:
        with self._database.system() as connection:
            row = connection.execute(statement.encode(), values).fetchone()
        return None if row is None else User(**row)


class PostgresInvitees:
    """Implements `application.ports.people.Invitees`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, invitee: Invitee) -> bool:
        row = (invitee.invitation_id, invitee.tenant_id, invitee.email, invitee.sha256)
        values = (*row, invitee.expires_at, email_key(invitee.email))
        with self._database.system() as connection:
            return connection.execute(_KEEP, values).fetchone() is not None

    def by_secret(self, sha256: str) -> Invitee | None:
        with self._database.system() as connection:
            statement = f"SELECT {_INVITEE} FROM invitees WHERE sha256 = %s"
            row = connection.execute(statement, (sha256,)).fetchone()
        return None if row is None else Invitee(**row)

    def named(self, invitation_ids: Collection[UUID]) -> Mapping[UUID, Invitee]:
        with self._database.system() as connection:
            statement = f"SELECT {_INVITEE} FROM invitees WHERE invitation_id = ANY(%s)"
            rows = connection.execute(statement, (list(invitation_ids),)).fetchall()
        return {row["invitation_id"]: Invitee(**row) for row in rows}

    def forget(self, invitation_id: UUID) -> None:
        with self._database.system() as connection:
            statement = "DELETE FROM invitees WHERE invitation_id = %s"
            connection.execute(statement, (invitation_id,))
