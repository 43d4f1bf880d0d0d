"""Two models timed in turns in one process: ABBA ABBA, so that neither gains by its place.

A drift of the machine (clock, other work) meets both alike; the ratio is taken pair by pair and
its median kept. One of a pair is as many runs as take BLOCK_MS, and at least one: the first run
after the other model finds its caches cold, and a network of microseconds would be judged by that
alone. It stops after MOST_PAIRS pairs or the time allowed, and never before FEWEST_PAIRS.
"""

import math
import time
from statistics import median

from domain.parity import SideBySide
from infrastructure.engine.pass_contract import Feed
from infrastructure.engine.runtime import Session

WARMUP = 3
MOST_PAIRS, FEWEST_PAIRS = 200, 5
SECONDS = 2.0
BLOCK_MS = 2.0
MOST_RUNS_IN_A_BLOCK = 1_000


def side_by_side(
    source: Session,
    variant: Session,
    feed: Feed,
    threads: int,
    batch: int,
    seconds: float = SECONDS,
) -> SideBySide:
    """Both sessions on `threads` threads, both fed `feed` of `batch` rows."""
    for _ in range(WARMUP):
        source.run(None, feed)
        variant.run(None, feed)
    runs = _runs_in_a_block(source, variant, feed)
    pairs: list[tuple[float, float]] = []
    stop = time.perf_counter() + seconds
    while len(pairs) < MOST_PAIRS and (len(pairs) < FEWEST_PAIRS or time.perf_counter() < stop):
        if len(pairs) % 2 == 0:
            first = _block_ms(source, feed, runs)
            pairs.append((first, _block_ms(variant, feed, runs)))
        else:
            first = _block_ms(variant, feed, runs)
            pairs.append((_block_ms(source, feed, runs), first))
    low, middle, high = median_between([pair[1] / pair[0] for pair in pairs])
    return SideBySide(
        source_ms=median(pair[0] for pair in pairs),
        variant_ms=median(pair[1] for pair in pairs),
        ratio=middle,
        ratio_low=low,
        ratio_high=high,
        pairs=len(pairs),
        threads=threads,
        batch=batch,
    )


def _runs_in_a_block(source: Session, variant: Session, feed: Feed) -> int:
    quicker = min(median(run_ms(one, feed) for _ in range(WARMUP)) for one in (source, variant))
    return max(1, min(MOST_RUNS_IN_A_BLOCK, math.ceil(BLOCK_MS / max(quicker, 1e-6))))


def _block_ms(session: Session, feed: Feed, runs: int) -> float:
    """Of one run, in milliseconds, as the mean over the block without its first run: that one
    warms the caches. A block of a single run is that run."""
    if runs == 1:
        return run_ms(session, feed)
    session.run(None, feed)
    begun = time.perf_counter_ns()
    for _ in range(runs):
        session.run(None, feed)
    return (time.perf_counter_ns() - begun) / 1e6 / runs


def median_between(values: list[float]) -> tuple[float, float, float]:
    """The median and the bounds that hold the true one with 95 % confidence, whatever the
    distribution: the order statistics n/2 ± 0.98 √n (the sign test, normal approximation)."""
    ordered, count = sorted(values), len(values)
    reach = 0.98 * math.sqrt(count)
    low = max(0, math.floor(count / 2 - reach) - 1)
    high = min(count - 1, math.ceil(count / 2 + reach))
    return ordered[low], median(ordered), ordered[high]


def run_ms(session: Session, feed: Feed) -> float:
    """The wall-clock time of one run in milliseconds."""
    begun = time.perf_counter_ns()
    session.run(None, feed)
    return (time.perf_counter_ns() - begun) / 1e6
