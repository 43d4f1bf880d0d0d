"""Where an interrupted push was, so that the next one goes on: a small JSON file.

A push is known by server, absolute path, size and modification time: a file that was changed is
another push. Losing this file costs a repeated upload and nothing else, so a broken one is empty.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

FILE_NAME = "interrupted-pushes.json"
MOST_KEPT = 200


@dataclass(frozen=True, slots=True)
class PushKey:
    """`mtime` is in nanoseconds since 1970."""

    server: str
    path: str
    size: int
    mtime: int
    purpose: str

    @classmethod
    def of(cls, server: str, path: Path, purpose: str) -> "PushKey":
        status = path.stat()
        return cls(server, str(path.resolve()), status.st_size, status.st_mtime_ns, purpose)

    def __str__(self) -> str:
        return json.dumps([self.server, self.path, self.size, self.mtime, self.purpose])


class InterruptedPushes:
    """The upload URLs of pushes that are not finished; the oldest go first."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def find(self, key: PushKey) -> str | None:
        return self._read().get(str(key))

    def remember(self, key: PushKey, url: str) -> None:
        held = self._read()
        held.pop(str(key), None)
        held[str(key)] = url
        self._write(dict(list(held.items())[-MOST_KEPT:]))

    def forget(self, key: PushKey) -> None:
        held = self._read()
        if held.pop(str(key), None) is not None:
            self._write(held)

    def _read(self) -> dict[str, str]:
        try:
            held = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        if not isinstance(held, dict):
            return {}
        return {key: url for key, url in held.items() if isinstance(url, str)}

    def _write(self, held: dict[str, str]) -> None:
        # Two pushes at once must never leave half a file behind.
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = self._path.with_name(f".{FILE_NAME}.{uuid4().hex}")
        beside.write_text(json.dumps(held, indent=1))
        beside.chmod(0o600)
        os.replace(beside, self._path)
