"""What inference did since the last report: counts and latencies, never inputs or outputs."""

import math
import threading
from typing import Any

MOST_SAMPLES = 100_000
"""Latencies kept in a window; of more, the last ones."""


class Window:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all = self._all_failed = 0
        self._begin()

    def _begin(self) -> None:
        self._seconds: list[float] = []
        self._ran = self._failed = self._known = 0

    def ran(self, seconds: float) -> None:
        with self._lock:
            if len(self._seconds) < MOST_SAMPLES:
                self._seconds.append(seconds)
            else:
                self._seconds[self._ran % MOST_SAMPLES] = seconds
            self._ran += 1
            self._all += 1

    def failed(self) -> None:
        with self._lock:
            self._failed += 1
            self._all_failed += 1

    def known(self) -> None:
        with self._lock:
            self._known += 1

    def totals(self) -> tuple[int, int]:
        """How many ran, and how many failed, since the model was loaded."""
        with self._lock:
            return self._all, self._all_failed

    def ended(self) -> dict[str, Any] | None:
        """The report on it, and the next begins; None where nothing happened."""
        with self._lock:
            seconds, ran, failed, known = self._seconds, self._ran, self._failed, self._known
            self._begin()
        if not ran + failed + known:
            return None
        seconds.sort()
        return {
            "count": ran + known,
            "failed": failed,
            "cached": known,
            "p50_ms": _percentile(seconds, 0.50),
            "p95_ms": _percentile(seconds, 0.95),
        }


def _percentile(ordered: list[float], share: float) -> float | None:
    """Nearest rank, in milliseconds; None of nothing."""
    if not ordered:
        return None
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)] * 1_000, 4)
