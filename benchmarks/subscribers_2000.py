"""2,000 subscribers on one API process: every event reaches each of them, once."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from benchmarks.figure import Figure, Target
from benchmarks.live import Live, Subscribers, live_api

SUBSCRIBERS, EVENTS = 2_000, 100


def measure() -> Iterable[Figure]:
    """The share of deliveries that were made once, and how fast they were."""
    with live_api() as live:
        live.write(2)
        before = live.rss
        subscribers = Subscribers(live, SUBSCRIBERS)
        time.sleep(3)
        idle = live.rss
        start = time.monotonic()
        with _watched(live) as memory:
            written = live.write(EVENTS)
            arrived = subscribers.arrivals(SUBSCRIBERS * EVENTS)
    counts = {position: len(arrived.get(position, ())) for position in written}
    once = sum(min(count, SUBSCRIBERS) for count in counts.values())
    twice = sum(max(count - SUBSCRIBERS, 0) for count in counts.values())
    last = max(max(times) for times in arrived.values())
    expected = SUBSCRIBERS * EVENTS
    yield Figure(
        "subscribers_2000",
        (once - twice) / expected,
        "delivered",
        target=Target(1.0),
        note=f"{once:,} of {expected:,} deliveries, {expected - once} lost, {twice} doubled, "
        f"{expected / (last - start):,.0f}/s. The API's memory: {before / 2**20:.0f} MB without "
        f"subscribers, {idle / 2**20:.0f} with all ({(idle - before) / SUBSCRIBERS / 1024:.1f} KB "
        f"each), {max(memory) / 2**20:.0f} at most under load. Measured.",
    )


@contextmanager
def _watched(live: Live) -> Iterator[list[int]]:
    """The API's memory, looked at five times a second."""
    seen, done = [live.rss], threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            seen.append(live.rss)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        done.set()
        looking.join()
