"""The road to PostgreSQL, which can be cut, stalled or made slow, as networks are."""

import socket
import threading
import time
from pathlib import Path

BLOCK = 1 << 16


class Road:
    """Passes bytes between a TCP port on the loopback address and a socket of PostgreSQL.

    `delay` seconds are added to every block that comes from a client."""

    def __init__(self, target: Path) -> None:
        self.delay = 0.0
        self._target, self._ends = target, set[socket.socket]()
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends all connections; new ones are taken again at once."""
        with self._lock:
            ends, self._ends = self._ends, set()
        for end in ends:
            _end(end)

    def stall(self, seconds: float) -> None:
        """Passes nothing on for a while, and loses nothing."""
        self._open.clear()
        time.sleep(seconds)
        self._open.set()

    def slow(self, delay: float, seconds: float) -> None:
        """Every block takes longer for a while."""
        self.delay = delay
        time.sleep(seconds)
        self.delay = 0.0

    def close(self) -> None:
        self._listening.close()
        self._open.set()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(str(self._target))
            except OSError:  # PostgreSQL is down: as a port that nobody listens on
                _end(near)
                _end(far)
                continue
            with self._lock:
                self._ends |= {near, far}
            for source, sink in ((near, far), (far, near)):
                one_way = (source, sink, source is near)
                threading.Thread(target=self._pass, args=one_way, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, outward: bool) -> None:
        try:
            while block := source.recv(BLOCK):
                self._open.wait()
                if outward and self.delay:
                    time.sleep(self.delay)
                sink.sendall(block)
        except OSError:
            pass
        for end in (source, sink):
            _end(end)
            with self._lock:
                self._ends.discard(end)


def _end(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
