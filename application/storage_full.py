"""The disk is full: one refusal to a client and one failure of a job, whoever met it first.

Nothing that was acknowledged is lost by it, and what was being written goes on once there is room.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from domain.refusal import Refusal, RefusalCode

REMEDY = (
    "The disk of the server is full. Nothing that was acknowledged is lost. Free space there, or "
    "give it a larger disk or quota (docs/storage.md); then try again."
)
_FULL = {errno.ENOSPC, errno.EDQUOT}


class StorageFull(Refusal):
    """There is no room for more bytes."""

    def __init__(self) -> None:
        super().__init__(RefusalCode.INSUFFICIENT_STORAGE, REMEDY)


def is_storage_full(error: BaseException) -> bool:
    """Whether the system said so, or a library in its words."""
    if isinstance(error, StorageFull):
        return True
    return getattr(error, "errno", None) in _FULL or "no space left" in str(error).lower()


@contextmanager
def refusing_when_full() -> Iterator[None]:
    """Turns the system's error into the refusal."""
    try:
        yield
    except OSError as error:
        # Of our own files only: an engine process has a limit on the size of files.
        if is_storage_full(error) or error.errno == errno.EFBIG:
            raise StorageFull() from error
        raise
