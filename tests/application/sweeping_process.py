"""One sweep in a process that a test can kill: `app_url system_url folder`."""

import sys
import time
from pathlib import Path
from uuid import UUID

from application.blob_sweep import sweep_blobs
from infrastructure.blobs.local import LocalBlobs
from infrastructure.postgres.database import Database
from tests.application.blob_store import Store
from tests.patience import PATIENCE

database = Database(*sys.argv[1:3])
database.open()
store = Store(database, Path(sys.argv[3]))
delete = LocalBlobs.delete


def delete_slowly(blobs: LocalBlobs, tenant_id: UUID, sha256: str) -> None:
    """So that a kill meets the middle, before and after the removal."""
    time.sleep(0.003)
    delete(blobs, tenant_id, sha256)
    time.sleep(0.003)


LocalBlobs.delete = delete_slowly  # type: ignore[method-assign]
store.follow()
sys.stdout.write("sweeping\n")
sys.stdout.flush()
deadline = time.monotonic() + PATIENCE
while sweep_blobs(store.sweeping).skipped and time.monotonic() < deadline:
    time.sleep(0.05)  # the lock of one that was killed lasts until the server has noticed
database.close()
