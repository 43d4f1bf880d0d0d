"""The sha256 of what has arrived so far, kept between requests so that nothing is read twice.

Only a saving: a process that does not have the state (it restarted, or another one took the last
request) reads the staged bytes again. A state is found only under the exact place where it was
left, so a lost race never lends its hash to the winner.
"""

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import Protocol
from uuid import UUID


class Hash(Protocol):
    """What hashlib's objects offer."""

    def update(self, data: bytes | memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...

    def copy(self) -> "Hash": ...


def new_hash() -> Hash:
    return hashlib.sha256()


class RunningHashes:
    """The latest state of each upload, for at most `most` uploads; the least recent goes first."""

    def __init__(self, most: int = 1_000) -> None:
        self._most, self._lock = most, Lock()
        self._held: OrderedDict[UUID, tuple[str, Hash]] = OrderedDict()

    def keep(self, upload_id: UUID, place: str, state: Hash) -> None:
        """Remembers a copy of `state`, which covers the bytes up to `place`."""
        with self._lock:
            self._held[upload_id] = (place, state.copy())
            self._held.move_to_end(upload_id)
            if len(self._held) > self._most:
                self._held.popitem(last=False)

    def at(self, upload_id: UUID, place: str) -> Hash | None:
        """A copy of the state at `place`, if that is where it was left."""
        with self._lock:
            held = self._held.get(upload_id)
            return held[1].copy() if held and held[0] == place else None

    def drop(self, upload_id: UUID) -> None:
        with self._lock:
            self._held.pop(upload_id, None)
