"""What the agent remembers beside events, in one small SQLite file: documents by name, and which
commands it has begun and answered.

Every write is durable before it returns (synchronous=FULL). A damaged file is set aside, and a new
one begun; what was lost with it is known by `since`: commands issued before that moment are not
run, since nobody could say whether they were.
"""

import json
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import apsw

from edge.home import HomeError, sync_folder

T = TypeVar("T")

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (
    id TEXT PRIMARY KEY, expires_at REAL NOT NULL, answer TEXT, said INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
"""
KEPT_FOR = 3_600.0
"""Seconds that a command is remembered after it expired."""
DAMAGED = (apsw.CorruptError, apsw.NotADBError)


class StateFailed(HomeError):
    """It could not be written; the message says why."""


class State:
    """Thread-safe. `set_aside` names the damaged file where this start found one."""

    def __init__(self, path: Path, mend: bool = True) -> None:
        """Raises StateFailed; of a damaged file only where it is not to `mend` it."""
        self._path = path
        self._lock = threading.Lock()
        self.set_aside: Path | None = None
        try:
            self._db = self._opened()
        except DAMAGED:
            if not mend:
                raise StateFailed(f"{path} is damaged; `run` sets it aside") from None
            self.set_aside = put_aside(path)
            self._db = self._opened()
            self.keep("since", {"pending": True})

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _opened(self) -> apsw.Connection:
        try:
            db = apsw.Connection(str(self._path))
            db.set_busy_timeout(5_000)
            db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;").fetchall()
            if db.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
                raise apsw.CorruptError("quick_check")
            db.execute(SCHEMA)
        except DAMAGED:
            raise
        except apsw.Error as error:
            raise StateFailed(f"{self._path} cannot be opened: {error}") from None
        self._path.chmod(0o600)
        return db

    def _guarded(self, act: Callable[[apsw.Connection], T]) -> T:
        with self._lock:
            try:
                return act(self._db)
            except apsw.FullError:
                raise StateFailed(
                    f"{self._path} cannot be written: the disk is full; free some space"
                ) from None
            except apsw.Error as error:
                raise StateFailed(f"{self._path}: {type(error).__name__} {error}") from None

    def keep(self, name: str, document: Mapping[str, Any]) -> None:
        """In the place of what had this name. Raises StateFailed."""
        text = json.dumps(document)
        self._guarded(
            lambda db: db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?)", (name, text))
        )

    def kept(self, name: str) -> dict[str, Any]:
        """Empty where there is none."""
        rows = self._guarded(
            lambda db: db.execute(
                "SELECT document FROM documents WHERE name = ?", (name,)
            ).fetchall()
        )
        return dict(json.loads(str(rows[0][0]))) if rows else {}

    @property
    def since(self) -> float:
        """Commands issued before are not known here. Infinity, until the time is known, where what
        was known was lost."""
        kept = self.kept("since")
        return math.inf if kept.get("pending") else float(kept.get("time", 0.0))

    def time_known(self, now: float) -> None:
        """The platform has signed the time. Raises StateFailed."""
        if self.kept("since").get("pending"):
            self.keep("since", {"time": now})

    def begin(self, command: UUID, expires_at: float, now: float | None) -> bool:
        """Whether this is the first time. Where the time is known, what is long expired is
        forgotten: by a wrong clock, what is forgotten could run again. Raises StateFailed."""

        def act(db: apsw.Connection) -> bool:
            with db:
                if now is not None:
                    db.execute("DELETE FROM commands WHERE expires_at < ?", (now - KEPT_FOR,))
                db.execute(
                    "INSERT OR IGNORE INTO commands (id, expires_at) VALUES (?, ?)",
                    (str(command), expires_at),
                )
            return db.changes() == 1

        return self._guarded(act)

    def answered(self, command: UUID, answer: Mapping[str, Any]) -> None:
        """Raises StateFailed."""
        self._guarded(
            lambda db: db.execute(
                "UPDATE commands SET answer = ? WHERE id = ?", (json.dumps(answer), str(command))
            )
        )

    def said(self, command: UUID) -> None:
        """The broker has the answer. Raises StateFailed."""
        self._guarded(
            lambda db: db.execute("UPDATE commands SET said = 1 WHERE id = ?", (str(command),))
        )

    def unsaid(self) -> dict[UUID, dict[str, Any] | None]:
        """Commands begun whose answer nobody heard, with it; None where a crash came before it."""
        rows = self._guarded(
            lambda db: db.execute("SELECT id, answer FROM commands WHERE NOT said").fetchall()
        )
        return {UUID(str(id)): json.loads(str(text)) if text else None for id, text in rows}

    def answer(self, command: UUID) -> dict[str, Any] | None:
        rows = self._guarded(
            lambda db: db.execute(
                "SELECT answer FROM commands WHERE id = ?", (str(command),)
            ).fetchall()
        )
        return json.loads(str(rows[0][0])) if rows and rows[0][0] is not None else None


def put_aside(path: Path) -> Path:
    """The database with its WAL under another name, as it was found. Raises HomeError."""
    target = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    try:
        os.replace(path, target)
        for suffix in ("-wal", "-shm"):
            if (beside := path.with_name(path.name + suffix)).exists():
                os.replace(beside, target.with_name(target.name + suffix))
        sync_folder(path.parent)
    except OSError as error:
        raise HomeError(f"The damaged {path} cannot be set aside: {error}") from None
    return target
