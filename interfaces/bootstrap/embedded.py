"""The PostgreSQL that Edgewise runs itself where DATABASE_URL is not set."""

from typing import TYPE_CHECKING

from infrastructure.embedded.postgres import EmbeddedPostgres
from infrastructure.looping import Looping
from interfaces.settings import Settings

if TYPE_CHECKING:
    from interfaces.bootstrap import Installation


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded PostgreSQL of this installation, started or not."""
    return EmbeddedPostgres(settings.home / "postgres")


def keep_embedded(installation: "Installation") -> None:
    """Starts the embedded PostgreSQL again whenever it is found dead."""
    if installation.settings.database_url is not None:
        return
    server = embedded(installation.settings)

    def look() -> bool:
        if server.pid is None:
            server.start()
        return False

    keeper = Looping("keeper of PostgreSQL", look)
    keeper.start()
    installation.closing.callback(keeper.close)


def stop_embedded(settings: Settings) -> None:
    """Stops the embedded PostgreSQL, if it is this installation's."""
    if settings.database_url is None:
        embedded(settings).stop()
