"""Which blobs are referred to, which are marked for removal, and who may touch one now.

A blob is kept while anything of its tenant refers to its sha256: an artifact or a dataset version
that is not deleted, an upload, the input of a job that has not ended, the release of a rollout that
a device may run. Storing a blob and referring to it are two steps, and a sweep may come between:
`holding` keeps it away.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from application.ports.blobs import StoredBlob


class BlobHolds(Protocol):
    """For those who store blobs."""

    def holding(self, tenant_id: UUID, sha256: str) -> AbstractContextManager[None]:
        """While it lasts nobody removes the blob, nor within the grace period after it. It may
        have been removed before: look inside, and store it again."""
        ...


class Unswept:
    """The holds of an installation that nobody sweeps."""

    def holding(self, tenant_id: UUID, sha256: str) -> AbstractContextManager[None]:
        return nullcontext()


UNSWEPT = Unswept()


@dataclass(frozen=True, slots=True)
class Mark:
    """A blob that nothing referred to when it was marked."""

    tenant_id: UUID
    sha256: str
    bytes: int


class BlobLedger(BlobHolds, Protocol):
    """For the sweep. All times are the database's."""

    def leading(self) -> AbstractContextManager[bool]:
        """Whether this is the one sweep that runs now, in any process."""
        ...

    def caught_up(self, patience: timedelta) -> bool:
        """Waits until the views show every event recorded before the call. False when they did
        not get there: then references may be missing, and nothing may be removed."""
        ...

    def unreferenced(self, blobs: Sequence[StoredBlob]) -> list[StoredBlob]: ...

    def mark(self, blobs: Sequence[StoredBlob]) -> None:
        """Marks those that nothing refers to, unless they are marked; unmarks the others."""
        ...

    def due(self, grace: timedelta) -> list[Mark]:
        """Marks that are older than the grace period."""
        ...

    def taking(self, mark: Mark, grace: timedelta) -> AbstractContextManager[bool]:
        """True when the blob may be removed now: nobody holds it, its mark is still there and
        old enough, and nothing refers to it. The mark ends with the block."""
        ...
