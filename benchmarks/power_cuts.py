"""A device that updates again and again, killed with SIGKILL at random instants, CUTS times: each
time it is looked at as a boot loader would, and started again on the same folder.

Some updates are rolled back by the device, some are reverts. A cut between two steps is as likely
as one within a write, a rename or a download. Beside it, as many cuts by each of the system calls
that change the disk are in tests/edge/update.
"""

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figure import Better, Figure, Target
from benchmarks.update_device import Published, Serving, UpdatingDevice, published, standing

CUTS = 1_000
RELEASES, FILES, BYTES = 4, 3, 300_000
LONGEST_RUN = 0.6
"""Seconds after which the device is cut off at the latest: a few updates."""


def measure() -> Iterable[Figure]:
    what = published(RELEASES, FILES, BYTES)
    home = Path(tempfile.mkdtemp(prefix="edgewise-power-cuts-"))
    try:
        with served(what) as url:
            begin(home, what, url)
            dead, wrong, updates = cut(home, what, url)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    note = f"of {CUTS:,} cuts, in which {updates:,} offers were followed"
    none = Target(0, 0, Better.LESS)
    yield Figure("power_cuts", dead, "without a bootable slot", target=none, note=note)
    yield Figure("power_cuts_unverified", wrong, "with an unverified artifact", target=none)


def cut(home: Path, what: Published, url: str) -> tuple[int, int, int]:
    dead = wrong = 0
    for _ in range(CUTS):
        with _forked(lambda: _update_for_ever(home, what, url)):
            time.sleep(random.random() * LONGEST_RUN)
        bootable, unverified = standing(home, what)
        dead += not bootable
        wrong += unverified
    device = UpdatingDevice(home, what, url)
    device.start()
    return dead, wrong, device.record.counter


def begin(home: Path, what: Published, url: str) -> None:
    """The device runs something before the first cut."""
    device = UpdatingDevice(home, what, url)
    device.start()
    device.follow(next(iter(what.releases)))


def _update_for_ever(home: Path, what: Published, url: str) -> None:
    for _ in UpdatingDevice(home, what, url, lambda: random.random() < 0.2).for_ever():
        pass


@contextmanager
def served(what: Published) -> Iterator[str]:
    """In a process of its own: this one has no threads, and can be forked."""
    server = Serving(what)
    with _forked(server.serve_forever):
        server.socket.close()
        yield server.url


@contextmanager
def _forked(run: Callable[[], None]) -> Iterator[None]:
    """Ends by SIGKILL. Raises RuntimeError where the process ended by itself."""
    process = os.fork()
    if process == 0:
        try:
            random.seed()
            run()
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError("the device ended by itself")
