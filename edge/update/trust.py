"""What may be installed here, as the platform signed it: TUF (https://theupdateframework.io), by
`tuf.ngclient`, over a root that was pinned when the device joined.

The folder holds `pinned.json` (that root) and what the platform has shown since: `metadata/` as
ngclient keeps it. What is damaged there is set aside and fetched again; it is never trusted for
being there, since all of it is verified again from the pinned root on. Who serves the metadata,
and over what, does not matter.

`tuf` is imported at the first use: an agent that updates nothing does without (5 MB).
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.home import replace_file, sync_folder
from edge.protocol.updates import Problem

if TYPE_CHECKING:
    from edge.update.trusted_client import TrustedClient

LONGEST_ROOT = 512_000

Fetch = Callable[[str, int], bytes]
"""The content of a metadata file by its name (`timestamp.json`, `3.root.json`): `GET
/devices/tuf/{name}`. It reads no more than one byte above the given number, which shows that there
is more. Raises NotServed where the platform has no such file, and anything else where it cannot be
reached."""

log = logging.getLogger(__name__)


class NotServed(Exception):
    """The platform answered that it has no such file (404)."""


def from_nowhere(name: str, most: int) -> bytes:
    """The Fetch of who only pins a root."""
    raise NotServed(name)


class Untrusted(Exception):
    """Nothing is to be installed by this; `problem` says what is wrong by name, `why` to people."""

    def __init__(self, problem: Problem, why: str) -> None:
        super().__init__(f"{problem}: {why}")
        self.problem, self.why = problem, why


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What the bytes of a target must be. `sha256` is lower case and hexadecimal."""

    sha256: str
    bytes: int


class Trust:
    """`now` is the platform's time as far as the device knows it, in seconds since 1970
    (`edge.clock.DeviceClock.now`). Not for two threads at once. It holds what it has read: keep it
    no longer than an update takes."""

    def __init__(self, folder: Path, fetch: Fetch, now: Callable[[], float]) -> None:
        self._folder, self._fetch, self._now = folder, fetch, now
        self._pinned, self._metadata = folder / "pinned.json", folder / "metadata"
        self._client: TrustedClient | None = None

    @property
    def rooted(self) -> bool:
        """Whether a root is pinned here, and can be read."""
        try:
            return isinstance(json.loads(self._pinned.read_bytes()), dict)
        except FileNotFoundError:
            return False
        except (OSError, ValueError):
            self._set_aside(self._pinned)
            return False

    def install_root(self, root: bytes) -> None:
        """Pins it: all trust begins there. Only for the one that came with the join, or in a
        statement that the platform signed (`edge.protocol.calls.root_of`). Raises Untrusted for
        what is no root that signs itself, and edge.home.HomeError."""
        from edge.update.trusted_client import checked_root

        checked_root(root)
        replace_file(self._pinned, root)
        self._client = None

    def refresh(self) -> None:
        """Reads what is new. Raises Untrusted, and edge.home.HomeError where the disk is full."""
        from edge.update.trusted_client import TrustedClient, unreadable

        self._client = None
        if not self.rooted:
            raise Untrusted(Problem.WRONG_SIGNATURE, "no root is pinned on this device")
        self._metadata.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in unreadable(self._metadata):
            self._set_aside(file)
        client = TrustedClient(self._metadata, self._pinned.read_bytes(), self._fetch, self._now())
        client.refresh()
        self._client = client

    def facts(self, target: str) -> TargetFacts:
        """Of what was read last; reads it where it was not. Raises Untrusted (UNKNOWN_TARGET for
        what the platform has not published)."""
        if self._client is None:
            self.refresh()
        assert self._client is not None
        return self._client.facts(target)

    def _set_aside(self, file: Path) -> None:
        log.error("%s is damaged; it is set aside", file)
        file.replace(file.with_name(f"{file.name}.damaged"))
        sync_folder(file.parent)
