"""A private Redis that keeps an append-only file, so that a kill loses a second at most."""

from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.services.daemon import LOOKS_FOR, Daemon, free_port


class OwnRedis(Daemon):
    """A server at `url`."""

    def __init__(self, folder: Path, server: Path) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        options = {
            "port": str(port), "bind": "127.0.0.1", "dir": str(folder), "save": "",
            "appendonly": "yes", "daemonize": "no",
        }  # fmt: skip
        flags = [word for name, value in options.items() for word in (f"--{name}", value)]
        super().__init__(folder, [server, *flags], self._answers)

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url, socket_timeout=LOOKS_FOR) as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False


def empty(url: str) -> None:
    """Removes every key of the database that the URL names."""
    with Redis.from_url(url) as client:
        client.flushdb()
