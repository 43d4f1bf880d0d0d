"""Where a broker is: `mqtt://host:port`, or `mqtts://host:port` over TLS."""

from dataclasses import dataclass
from urllib.parse import urlsplit

PLAIN_PORT, TLS_PORT = 1883, 8883
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class BadBrokerUrl(ValueError):
    """Not the URL of a broker; the text says the rule."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """One listener of a broker."""

    host: str
    port: int
    tls: bool

    @classmethod
    def parse(cls, url: str) -> "BrokerAddress":
        """Raises BadBrokerUrl; a port that is left out is 1883, over TLS 8883."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BadBrokerUrl(f"“{url}” is no URL: {error}") from error
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise BadBrokerUrl(f"“{url}”: give mqtts://host:port (or mqtt://127.0.0.1:port).")
        if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
            raise BadBrokerUrl(f"“{url}”: give scheme, host and port alone.")
        tls = parts.scheme == "mqtts"
        return cls(parts.hostname, port or (TLS_PORT if tls else PLAIN_PORT), tls)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether nobody on a network can listen in or come in."""
        return self.host in LOOPBACK
