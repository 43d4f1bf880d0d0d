"""Acknowledgements to the broker, in the order in which messages came: MQTT asks for it (4.6.0-2),
and some brokers end the connection otherwise."""

from collections import deque
from collections.abc import Callable


class InOrder:
    """Of one connection. `send` tells the broker of one message, by its number and QoS."""

    def __init__(self, send: Callable[[int, int], object]) -> None:
        self._send = send
        self._waiting: deque[tuple[int, int]] = deque()
        self._done: set[int] = set()

    def arrived(self, mid: int, qos: int) -> Callable[[], None]:
        """What to call once the message is safe. The broker hears of it when all before it are."""
        if not qos:
            return lambda: None
        self._waiting.append((mid, qos))

        def safe() -> None:
            self._done.add(mid)
            while self._waiting and self._waiting[0][0] in self._done:
                first, its_qos = self._waiting.popleft()
                self._done.discard(first)
                self._send(first, its_qos)

        return safe
