"""From commit to subscriber: 100 subscribers of one API process, over real WebSockets.

An event is saved every 50 ms by another process; what counts is when the save returned, and when
each of the 100 had the event in a third process.
"""

import os
import time
from collections.abc import Iterable
from statistics import quantiles

from benchmarks.figure import Figure
from benchmarks.live import Subscribers, live_api

SUBSCRIBERS, EVENTS, PAUSE = 100, 300, 0.05
AIM_MS = 25.0


def measure() -> Iterable[Figure]:
    """The 99th percentile in milliseconds."""
    load = os.getloadavg()[0]
    with live_api() as live:
        live.write(20)
        subscribers = Subscribers(live, SUBSCRIBERS)
        time.sleep(1)
        live.write(20, PAUSE)
        written = live.write(EVENTS, PAUSE)
        arrived = subscribers.arrivals(SUBSCRIBERS * (20 + EVENTS))
    lost = sum(SUBSCRIBERS - len(arrived.get(position, ())) for position in written)
    done = [(at - written[p][1]) * 1000 for p in written for at in arrived[p]]
    began = [(at - written[p][0]) * 1000 for p in written for at in arrived[p]]
    percent, from_start = quantiles(done, n=100), quantiles(began, n=100)
    yield Figure(
        "commit_to_subscriber",
        percent[98],
        "ms",
        note=f"p99 from when the save returned (aim on an idle machine: {AIM_MS:g}), "
        f"p50 {percent[49]:.1f}, p95 {percent[94]:.1f}; from when it began: "
        f"p99 {from_start[98]:.1f}. {SUBSCRIBERS} subscribers, {EVENTS} events, {lost} lost. "
        f"Measured; the machine's load was {load:.1f}.",
    )
