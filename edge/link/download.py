"""Fetches a file: signed calls, going on where it was cut, within a bandwidth, and nothing kept
that is not what its sha256 says.

What comes is hashed as it is written. A server that says or sends another size, another range or
another content is told apart from one that is only slow or gone: that is tried again.
"""

import hashlib
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.home import is_full, reason, sync_folder
from edge.link.https import Answer, Contexts, Unreachable, pieces
from edge.protocol.updates import Problem
from edge.sync.allowance import Bucket

STALL_SECONDS = 30.0
LEAST_RATE = 1_024
"""Bytes a second, over STALL_SECONDS, below which a connection is given up; half the limit where
that is less."""
NAP = 0.5
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")

Headers = Callable[[], Mapping[str, str]]
"""The Authorization of a call that is signed just now."""


class Cut(RuntimeError):
    """Not all of it came; it goes on from there at the next try."""


class NotFetched(RuntimeError):
    """It will not come by trying at once again; the message says why."""

    def __init__(self, problem: Problem, why: str) -> None:
        super().__init__(why)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be at `target` in the end."""

    sha256: str
    bytes: int
    target: Path

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.sha256}.part")


class Pace:
    """Keeps a download within `rate()` bytes a second (0: no limit), and ends one that crawls.

    Called with the size of each piece, in the thread that downloads; `go_on` False ends it."""

    def __init__(
        self,
        rate: Callable[[], int] = lambda: 0,
        go_on: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate, self._go_on, self._clock, self._sleep = rate, go_on, clock, sleep
        self._bucket = Bucket(clock())
        self.begin()

    def begin(self) -> None:
        """Of a connection."""
        self._since, self._came = self._clock(), 0

    def took(self, size: int) -> None:
        """Raises Cut."""
        rate = self._rate()
        self._came += size
        self._crawls(rate)
        until = self._clock() + self._bucket.wait(size, rate, self._clock())
        while self._go_on() and (left := until - self._clock()) > 0:
            self._sleep(min(left, NAP))
        if not self._go_on():
            raise Cut("it is not wanted any more")

    def _crawls(self, rate: int) -> None:
        seconds = self._clock() - self._since
        if seconds < STALL_SECONDS:
            return
        least = min(LEAST_RATE, rate / 2) if rate else LEAST_RATE
        if self._came < least * seconds:
            raise Cut(f"it came too slowly: {self._came / seconds:,.0f} bytes a second")
        self.begin()


def fetch(wanted: Wanted, url: str, contexts: Contexts, headers: Headers, pace: Pace) -> int:
    """The file is whole and checked at its target; returns the bytes that came for it.

    Raises Cut, NotFetched."""
    try:
        if holds(wanted.target, wanted.sha256, wanted.bytes):
            return 0
        wanted.target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _Download(wanted, pace).run(url, contexts, headers)
    except OSError as error:
        problem = Problem.DISK_FULL if is_full(error) else Problem.INTERNAL
        raise NotFetched(problem, f"the file cannot be kept: {reason(error)}") from None


class _Download:
    def __init__(self, wanted: Wanted, pace: Pace) -> None:
        self._wanted, self._pace = wanted, pace
        self._have, self._came, self._resumed = 0, 0, False
        self._sha = hashlib.sha256()

    def run(self, url: str, contexts: Contexts, headers: Headers) -> int:
        wanted = self._wanted
        self._look_back()
        if self._have < wanted.bytes:
            self._receive(url, contexts, headers)
        if self._have < wanted.bytes:
            raise Cut(f"{self._have:,} of {wanted.bytes:,} bytes came")
        if self._sha.hexdigest() != wanted.sha256:
            wanted.part.unlink(missing_ok=True)
            if self._resumed:
                raise Cut("what was kept of it does not fit what came later; it begins anew")
            why = "what was sent is not what its sha256 says; it was thrown away"
            raise NotFetched(Problem.WRONG_HASH, why)
        if not wanted.part.exists():
            wanted.part.touch(0o600)  # of no bytes
        os.replace(wanted.part, wanted.target)
        sync_folder(wanted.target.parent)
        return self._came

    def _look_back(self) -> None:
        """At what came before a cut."""
        part = self._wanted.part
        if not part.exists():
            return
        if part.stat().st_size > self._wanted.bytes:
            part.unlink()
            return
        with part.open("rb") as file:
            self._sha = hashlib.file_digest(file, "sha256")
            self._have = file.tell()
        self._resumed = self._have > 0

    def _receive(self, url: str, contexts: Contexts, headers: Headers) -> None:
        asked = dict(headers()) | ({"Range": f"bytes={self._have}-"} if self._have else {})
        try:
            with self._wanted.part.open("ab") as file:
                try:
                    self._pace.begin()
                    for piece in pieces(url, contexts, asked):
                        if isinstance(piece, Answer):
                            if self._starts_anew(piece):
                                file.truncate(0)
                        else:
                            self._take(piece)
                            file.write(piece)
                            self._pace.took(len(piece))
                finally:
                    file.flush()
                    os.fsync(file.fileno())
        except Unreachable as error:
            raise Cut(str(error)) from None
        except NotFetched:
            self._wanted.part.unlink(missing_ok=True)
            raise

    def _take(self, piece: bytes) -> None:
        self._have += len(piece)
        self._came += len(piece)
        if self._have > self._wanted.bytes:
            raise NotFetched(Problem.WRONG_SIZE, "more was sent than the file has")
        self._sha.update(piece)

    def _starts_anew(self, answer: Answer) -> bool:
        if _accepted(answer) == 206:
            self._check_range(answer)
            return False
        self._have, self._resumed, self._sha = 0, False, hashlib.sha256()
        length = _header(answer, "content-length")
        if length.isdigit() and int(length) != self._wanted.bytes:
            raise _another_size(self._wanted, int(length))
        return True

    def _check_range(self, answer: Answer) -> None:
        found = _RANGE.fullmatch(_header(answer, "content-range"))
        if found is None or int(found[1]) != self._have:
            raise NotFetched(Problem.WRONG_SIZE, "another range was sent than was asked for")
        if int(found[2]) != self._wanted.bytes:
            raise _another_size(self._wanted, int(found[2]))


def _another_size(wanted: Wanted, said: int) -> NotFetched:
    why = f"{said:,} bytes are offered in the place of {wanted.bytes:,}"
    return NotFetched(Problem.WRONG_SIZE, why)


def _header(answer: Answer, name: str) -> str:
    return next((value for key, value in answer.headers.items() if key.lower() == name), "")


def _accepted(answer: Answer) -> int:
    if answer.status in (200, 206):
        return answer.status
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise Cut(f"the platform answered {answer.status}: {answer.said}")
    problem = Problem.UNKNOWN_TARGET if answer.status == 404 else Problem.UNREACHABLE
    raise NotFetched(problem, f"the platform refused: {answer.said}")


def holds(path: Path, sha256: str, size: int) -> bool:
    """Whether this very content is there. Raises OSError."""
    if not path.is_file() or path.stat().st_size != size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256
