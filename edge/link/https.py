"""Calls to the platform over HTTP(S), small: requests with a body, downloads that go on where they
were cut, and uploads. Signed as `edge.protocol.calls` says, by the device's own clock.
"""

import http.client
import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

SECONDS = 30.0
LONGEST_ANSWER = 1 << 20
PIECE = 1 << 16

Contexts = Callable[[], ssl.SSLContext]
T = TypeVar("T")


class Unreachable(RuntimeError):
    """No answer; the message is one line for people."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """Empty where the body is no JSON object."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def said(self) -> str:
        """What the server said went wrong, in its words where it sent some."""
        error = self.document.get("error")
        if isinstance(error, dict):
            error = error.get("message")
        words = error or self.document.get("message") or self.document.get("detail")
        return str(words)[:500] if words else f"it answered {self.status}"


def request(
    method: str,
    url: str,
    contexts: Contexts,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> Answer:
    """Raises Unreachable."""
    with _Opened(url, contexts, seconds) as opened:
        response = opened.ask(method, body, headers or {})
        content = opened.guarded(lambda: response.read(LONGEST_ANSWER))
        return Answer(response.status, dict(response.getheaders()), content)


def pieces(
    url: str, contexts: Contexts, headers: Mapping[str, str], seconds: float = SECONDS
) -> Iterator[Answer | bytes]:
    """First the answer without its body, then the body piece by piece, as it comes: a server that
    sends slowly is seen to. Raises Unreachable."""
    with _Opened(url, contexts, seconds) as opened:
        response = opened.ask("GET", None, headers)
        good = response.status in (200, 206)
        start = b"" if good else opened.guarded(lambda: response.read(LONGEST_ANSWER))
        yield Answer(response.status, dict(response.getheaders()), start)
        while good and (piece := opened.guarded(lambda: response.read1(PIECE))):
            yield piece


class _Opened:
    def __init__(self, url: str, contexts: Contexts, seconds: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Unreachable(f"{url[:200]} is no http:// or https:// address")
        self._where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._connection: http.client.HTTPConnection
        try:
            if parts.scheme == "https":
                self._connection = http.client.HTTPSConnection(
                    parts.hostname, parts.port, timeout=seconds, context=contexts()
                )
            else:
                self._connection = http.client.HTTPConnection(
                    parts.hostname, parts.port, timeout=seconds
                )
        except (ValueError, http.client.InvalidURL) as error:
            raise Unreachable(f"{url[:200]} is no address: {error}") from None

    def __enter__(self) -> "_Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(
        self, method: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        def send() -> http.client.HTTPResponse:
            self._connection.request(method, self._target, body, dict(headers))
            return self._connection.getresponse()

        return self.guarded(send)

    def guarded(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except ssl.SSLCertVerificationError as error:
            why = error.verify_message if getattr(error, "verify_message", "") else str(error)
            raise Unreachable(f"{self._where} is not trusted: {why}") from None
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(
                f"{self._where} cannot be reached: {str(error) or type(error).__name__}"
            ) from None
