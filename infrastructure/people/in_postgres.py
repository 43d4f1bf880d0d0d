"""People as an installation has them: rows in PostgreSQL, passwords by argon2id."""

from collections.abc import Callable

from application.people import People
from application.platform import utc_now
from application.refused_acts import RefusedActs
from infrastructure.passwords import Argon2Passwords
from infrastructure.postgres.database import Database
from infrastructure.postgres.people import PostgresInvitees, PostgresPeople
from infrastructure.postgres.sessions import PostgresSessions, PostgresThrottle


def people_in(database: Database, url: str, passwords: Argon2Passwords | None = None) -> People:
    """`url` is how the installation is reached."""
    return People(
        table=PostgresPeople(database),
        invitees=PostgresInvitees(database),
        sessions=PostgresSessions(database),
        passwords=passwords or Argon2Passwords(),
        throttle=PostgresThrottle(database),
        link=lambda path: f"{url}{path}",
    )


def keep_people(database: Database, refused: RefusedActs) -> Callable[[], bool]:
    """A step for `Looping`: removes what is over, and records how often acts were refused."""
    sessions = PostgresSessions(database)

    def look() -> bool:
        sessions.sweep(utc_now())
        return refused.flush()

    return look
