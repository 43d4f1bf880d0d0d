"""The thread of a worker that sweeps blobs once an hour, and the figure of what it freed."""

import logging
from collections.abc import Callable

from prometheus_client import Counter

from application.blob_sweep import Sweeping, sweep_blobs
from infrastructure.looping import Looping

SWEEP_SECONDS = 3_600.0
FIRST_AFTER = 60.0

FREED = Counter("edgewise_blob_bytes_freed", "Bytes of blobs and leftovers that sweeps removed")
log = logging.getLogger(__name__)


class BlobSweeper(Looping):
    """Any number of workers may have one: the sweep itself runs in one of them at a time. The
    scratch folders are each machine's own. A start is not slowed down by it."""

    def __init__(self, sweeping: Sweeping, sweep_scratch: Callable[[], int]) -> None:
        super().__init__("blob sweeper", self.step, SWEEP_SECONDS)
        self._sweeping, self._sweep_scratch = sweeping, sweep_scratch

    def step(self) -> bool:
        if self._closing.wait(FIRST_AFTER):
            return False
        freed = self._sweep_scratch()
        swept = sweep_blobs(self._sweeping)
        freed += swept.freed_bytes
        FREED.inc(freed)
        if freed or swept.skipped:
            log.info("blob sweep: %s bytes freed, skipped: %s", freed, swept.skipped)
        return False
