"""The upkeep of the views on PostgreSQL: which there are, how they stand, rebuild, check.

Operational tables are nobody's projection: views that feed one, and policies, are followed once and
never again.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import psycopg
from psycopg import OperationalError
from psycopg.errors import InsufficientPrivilege, UndefinedTable
from psycopg.rows import dict_row

from application.ports.projections import Compared, Progress, Rebuilt, Standing
from application.views.view import View
from domain.refusal import Refusal, RefusalCode
from infrastructure.following.check import check
from infrastructure.following.rebuild import rebuild
from infrastructure.following.shadow import Shadow, shadow
from infrastructure.following.standing import standing
from infrastructure.postgres.migrate import SYSTEM, role_url

CHECK_SCHEMA = "edgewise_check"


class PostgresProjections:
    """Implements `application.ports.projections.Projections`."""

    def __init__(self, owner_url: str, secret: str, views: Sequence[View]) -> None:
        self._owner_url, self._system_url = owner_url, role_url(owner_url, SYSTEM, secret)
        self._views = {view.name: view for view in views}

    def names(self) -> list[str]:
        return [view.name for view in self._replayable()]

    def standing(self) -> list[Standing]:
        with _told(), psycopg.connect(self._system_url, row_factory=dict_row) as connection:
            return standing(connection)

    def rebuild(self, name: str, progress: Progress) -> Rebuilt:
        view = self._found(name)
        schema = f"edgewise_rebuild_{name}"
        with _told(), self._shadow(schema, [view]) as beside:
            return rebuild(beside, view, progress)

    def check(self, progress: Progress) -> Iterator[Compared]:
        views = self._replayable()
        with _told(), self._shadow(CHECK_SCHEMA, views) as beside:
            yield from check(beside, views, progress)

    def _replayable(self) -> list[View]:
        return [view for view in self._views.values() if not view.live]

    def _found(self, name: str) -> View:
        view = self._views.get(name)
        if view is not None and not view.live:
            return view
        known = f"There are: {', '.join(self.names())}; or all."
        if view is None:
            code, why = RefusalCode.NOT_FOUND, f"There is no projection “{name}”."
        else:
            code = RefusalCode.INVALID
            why = (
                f"“{name}” is not rebuilt: it feeds {', '.join(view.tables)}, where work that is "
                "under way waits, and would hand it out again."
            )
        raise Refusal(code, f"{why} {known}", "name")

    def _shadow(self, schema: str, views: Sequence[View]) -> AbstractContextManager[Shadow]:
        return shadow(self._owner_url, self._system_url, schema, SYSTEM, views)


@contextmanager
def _told() -> Iterator[None]:
    """What PostgreSQL says no to, as a refusal with its remedy."""
    try:
        yield
    except InsufficientPrivilege as error:
        raise Refusal(
            RefusalCode.FORBIDDEN,
            f"The user of DATABASE_URL may not do this ({error.diag.message_primary}). It must own "
            "the tables and have the right CREATE on the database.",
        ) from error
    except UndefinedTable as error:
        raise Refusal(
            RefusalCode.UNAVAILABLE,
            f"The database is not migrated ({error.diag.message_primary}): run `edgewise migrate`.",
        ) from error
    except OperationalError as error:
        raise Refusal(
            RefusalCode.UNAVAILABLE,
            f"PostgreSQL is away, or never migrated ({str(error).strip()}). What was live is as it "
            "was: try again, or run `edgewise migrate`.",
        ) from error
