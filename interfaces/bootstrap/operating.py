"""What commands of the operator need beside or without running processes."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infrastructure.event_store.signing_key import BadKeyFile, signing_key
from infrastructure.postgres.migrate import SYSTEM, role_url
from interfaces.bootstrap import Installation
from interfaces.bootstrap.embedded import embedded
from interfaces.only_one import only_one
from interfaces.settings import BadSetting, Settings


@contextmanager
def operating(settings: Settings) -> Iterator[Installation]:
    """An installation for one command of its operator, beside what runs or alone: then the embedded
    PostgreSQL is stopped again. Raises AlreadyRunning while another starts, and BadSetting."""
    server = None if settings.database_url else embedded(settings)
    if server is not None and server.pid is not None:
        server = None  # it runs, and goes on running
    with only_one(settings.home) if server is not None else nullcontext():
        try:
            installation = Installation.of(settings)
            _require_migrated(installation)
            with installation.closing:
                yield installation
        finally:
            if server is not None:
                server.stop()


def _require_migrated(installation: Installation) -> None:
    """Raises BadSetting where the runtime roles cannot come in, before pools wait for it."""
    url = role_url(installation.owner_url, SYSTEM, installation.settings.secret)
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.OperationalError as error:
        raise BadSetting(
            f"The database does not let {SYSTEM} in: run `edgewise migrate` first, with the same "
            f"EDGEWISE_SECRET. It said: {error}"
        ) from error


def checkpoint_key(settings: Settings) -> Ed25519PrivateKey:
    """The key that signs checkpoints. Raises BadSetting."""
    given = settings.checkpoint_key
    try:
        return signing_key(given or settings.home / "checkpoint-key.pem", make=given is None)
    except (BadKeyFile, OSError) as error:
        raise BadSetting(
            f"The key that signs checkpoints (EDGEWISE_CHECKPOINT_KEY): {error}"
        ) from error
