"""When telemetry may go: the mode, the windows of HYBRID, and the bandwidth. No I/O."""

from collections.abc import Sequence
from datetime import UTC, datetime

from edge.store.streams import Priority


def may_go(mode: str, priority: Priority, in_window: bool) -> bool:
    """ONLINE: all; OFFLINE: none; HYBRID: HIGH and above at once, the rest in a window."""
    if mode == "HYBRID":
        return in_window or priority >= Priority.HIGH
    return mode == "ONLINE"


def in_window(windows: Sequence[str], now: float) -> bool:
    """`windows` such as "22:00-04:30", UTC; one that ends before it begins goes over midnight."""
    moment = f"{datetime.fromtimestamp(now, UTC):%H:%M}"
    for window in windows:
        begin, _, end = window.partition("-")
        inside = begin <= moment < end if begin <= end else moment >= begin or moment < end
        if inside:
            return True
    return False


class Bucket:
    """A token bucket: `rate` bytes a second, and a burst of one second's worth or one message."""

    def __init__(self, now: float) -> None:
        self._tokens, self._at = 0.0, now

    def wait(self, size: int, rate: int, now: float) -> float:
        """Seconds to wait before this many bytes go; they count as gone. 0 for no limit."""
        if rate <= 0:
            self._tokens, self._at = 0.0, now
            return 0.0
        self._tokens = min(float(rate), self._tokens + (now - self._at) * rate)
        self._at = now
        self._tokens -= size
        return max(0.0, -self._tokens / rate)
