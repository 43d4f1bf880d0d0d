"""What devices may install, in an installation: rows in PostgreSQL, keys in a folder or where
the settings say."""

from collections.abc import Callable

from infrastructure.looping import Looping
from infrastructure.postgres.database import Database
from infrastructure.tuf.in_postgres import PostgresShelves
from infrastructure.tuf.key_files import FileKeys
from infrastructure.tuf.key_uris import unavailable
from infrastructure.tuf.keys import KeyUse
from infrastructure.tuf.repositories import Repositories
from interfaces.fleet_settings import FleetSettings

KEEP_SECONDS = 60.0


def repositories_of(settings: FleetSettings, database: Database) -> Repositories:
    given = {KeyUse.ROOT: settings.root_key, KeyUse.ONLINE: settings.online_key}
    first = {use: uri for use, uri in given.items() if uri is not None}
    keys = FileKeys(settings.target_keys, first, _secrets(settings.key_pin))
    return Repositories(PostgresShelves(database), keys)


def keeper_of_trust(repositories: Repositories) -> Looping:
    """Signs anew before anything expires; any number of processes may."""
    return Looping("keeper of signed targets", lambda: repositories.renew() > 0, KEEP_SECONDS)


def _secrets(pin: str | None) -> Callable[[str], str]:
    def answer(name: str) -> str:
        if pin is None:
            raise unavailable(f"it asks for its {name}: set EDGEWISE_TARGETS_PIN")
        return pin

    return answer
