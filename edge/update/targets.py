"""Where a release's bytes come from, and what they must be: targets over signed calls, and TUF's
word on each of them.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edge.clock import DeviceClock
from edge.home import Home
from edge.identity.credentials import Credentials
from edge.link.download import Pace, Wanted, fetch
from edge.link.https import Answer, Contexts, Unreachable, pieces, request
from edge.protocol.signed import NotSigned
from edge.protocol.updates import OfferedDelta, OfferedFile

if TYPE_CHECKING:
    from edge.update.trust import TargetFacts


class Word(Protocol):
    """TUF's: `edge.update.trust.Trust`."""

    def refresh(self) -> None:
        """Raises Untrusted, Unreachable, HomeError."""

    def facts(self, target: str) -> "TargetFacts":
        """Raises Untrusted."""


class Targets(Protocol):
    def word(self) -> Word:
        """A new one for each update. Raises Unreachable."""

    def fetch(self, file: OfferedFile | OfferedDelta, target: Path, pace: Pace) -> int:
        """The file, whole and checked; returns the bytes that came. Raises Cut, NotFetched."""


class PlatformTargets:
    """From the platform that the device joined."""

    def __init__(
        self, home: Home, credentials: Credentials, contexts: Contexts, clock: DeviceClock
    ) -> None:
        self._home, self._credentials = home, credentials
        self._contexts, self._clock = contexts, clock

    def fetch(self, file: OfferedFile | OfferedDelta, target: Path, pace: Pace) -> int:
        path = f"/devices/targets/{file.sha256}"
        return fetch(
            Wanted(file.sha256, file.bytes, target),
            self._credentials.url(path),
            self._contexts,
            lambda: self._credentials.signed_call("GET", path),
            pace,
        )

    def word(self) -> Word:
        from edge.update.trust import Trust

        trust = Trust(self._home.trust, self._metadata, self._clock.now)
        if not trust.rooted:
            trust.install_root(self._root())
        return trust

    def _metadata(self, name: str, most: int) -> bytes:
        """Of TUF; at most one byte more than `most` is read."""
        from edge.update.trust import NotServed

        path, content = f"/devices/tuf/{name}", b""
        headers = self._credentials.signed_call("GET", path)
        for piece in pieces(self._credentials.url(path), self._contexts, headers):
            if not isinstance(piece, Answer):
                content += piece
            elif piece.status == 404:
                raise NotServed(name)
            elif piece.status != 200:
                raise Unreachable(f"the platform refused {name}: {piece.said}")
            if len(content) > most:
                break
        return content[: most + 1]

    def _root(self) -> bytes:
        """For a device that joined before there was one: in a statement of the platform."""
        from edge.protocol.calls import root_of

        path = "/devices/trusted-root"
        headers = self._credentials.signed_call("GET", path)
        answer = request("GET", self._credentials.url(path), self._contexts, headers=headers)
        if answer.status != 200:
            raise Unreachable(f"the platform gives no root to trust: {answer.said}")
        identity = self._credentials.identity
        try:
            return root_of(answer.document, identity.address, identity.platform_key)
        except NotSigned as error:
            raise Unreachable(f"the platform gives no root to trust: {error}") from None
