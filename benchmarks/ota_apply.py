"""What an update costs beside its download: an artifact of 50 MB is fetched with its hash, made
durable, read back, put into the other slot, read back again and switched to, by the agent's own
code in a process of its own. The baseline is the same bytes, fetched and written and no more.

Memory is the process's largest resident set against that before the download, as the kernel counts.
"""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from ssl import create_default_context
from statistics import median
from time import perf_counter

from benchmarks.figure import Better, Figure, Target
from benchmarks.update_device import (
    Mirror,
    Published,
    Serving,
    UpdatingDevice,
    published,
    standing,
)
from edge.link.download import Pace
from edge.link.https import pieces
from edge.protocol.updates import Action
from edge.update.carrying import Carrier, Limits

BYTES, TRIES = 50_000_000, 5


def measure() -> Iterable[Figure]:
    runs = [_in_a_process() for _ in range(TRIES)]
    extra = median(run["applied"] + run["fetched"] - run["plain"] for run in runs)
    applied = median(run["applied"] for run in runs)
    fetched, plain = (median(run[name] for run in runs) for name in ("fetched", "plain"))
    memory = max(run["memory"] for run in runs) / 1e6
    note = (
        f"read back and switched in {applied:.2f} s; fetched {fetched:.2f} s, plain {plain:.2f} s"
    )
    yield Figure("ota_apply", extra, "s", target=Target(1.0, 0.5, Better.LESS), note=note)
    yield Figure("ota_apply_memory", memory, "MB", target=Target(20, 10, Better.LESS))


def _in_a_process() -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ota_apply"], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _one(home: Path, what: Published, url: str) -> dict[str, float]:
    device = UpdatingDevice(home, what, url)
    carrier = Carrier(device.slots, Mirror(home / "trust", what, url), Limits)
    first, second = what.releases
    device.start()
    device.follow(first)
    offer = device.offer(second, Action.INSTALL)
    plain = _plain(home / "plain", f"{url}/{offer.files[-1].sha256}")
    before = _memory("VmRSS:")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    began = perf_counter()
    carrier.download(offer, lambda: True)
    fetched = perf_counter()
    carrier.verify(offer)
    carrier.switch(offer)
    applied = perf_counter()
    memory = _memory("VmHWM:") - before
    assert standing(home, what) == (True, False)
    return {
        "plain": plain,
        "fetched": fetched - began,
        "applied": applied - fetched,
        "memory": memory,
    }


def _plain(target: Path, url: str) -> float:
    """Seconds."""
    began, pace = perf_counter(), Pace()
    with target.open("wb") as file:
        for piece in pieces(url, create_default_context, {}):
            if isinstance(piece, bytes):
                file.write(piece)
                pace.took(len(piece))
    return perf_counter() - began


def _memory(name: str) -> int:
    """Bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def main() -> None:
    what = published(2, 1, BYTES)
    server = Serving(what)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="edgewise-ota-apply-") as home:
        sys.stdout.write(json.dumps(_one(Path(home), what, server.url)))


if __name__ == "__main__":
    main()
