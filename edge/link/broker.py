"""Where the broker is, and how it may be reached: `mqtts://` by the device's certificate, or
`mqtt://` in plain text, which only the loopback address may have (the embedded broker)."""

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from edge.clock import DeviceClock
from edge.home import Home
from edge.identity.identity import Identity, certificate_file
from edge.identity.keys import key_file
from edge.link import tls

AT_ONCE = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
"""Socket options. An acknowledgement and what is said after it are two small writes: the second
would wait some 40 ms for the other side's delayed word that it has the first (RFC 896)."""


class BrokerRefused(RuntimeError):
    """The URL is none that a device may use; the message says why."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    host: str
    port: int
    secure: bool

    @classmethod
    def of(cls, url: str) -> "BrokerAddress":
        """Raises BrokerRefused."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            raise BrokerRefused(f"{url} names no port") from None
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise BrokerRefused(f"{url} is no mqtt:// or mqtts:// address")
        secure = parts.scheme == "mqtts"
        if not secure and not _loopback(parts.hostname):
            raise BrokerRefused(
                f"{url} is plain text to another machine. The platform must offer mqtts:// there."
            )
        return cls(parts.hostname, port or (8883 if secure else 1883), secure)

    def tls(self, home: Home, identity: Identity, clock: DeviceClock) -> ssl.SSLContext | None:
        """None in plain text. Raises OSError, ssl.SSLError, HomeError."""
        if not self.secure:
            return None
        files = certificate_file(home, identity), key_file(home, identity.key)
        return tls.context(clock, identity.authorities, files)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
