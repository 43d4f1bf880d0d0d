"""Looks through a log, in the order of positions, for what is not as it was written.

Each event is held against its predecessor in its stream and in the log; what does not fit is set
aside, at most MOST_ODD events of it, and explained at the end (findings.py). Beside it stands what
signed checkpoints say: without one, an end that was cut off, or a log all of whose hashes were made
anew, looks like a log.
"""

from collections.abc import Sequence
from uuid import UUID

from application.audit.chain import NO_HASH, ChainedEvent, log_hash, stream_hash
from application.audit.checkpoint import Checkpoint
from application.audit.findings import Finding, Flaw, Odd, explained

MOST_ODD = 1_000


class _Expected:
    """What a checkpoint says, and what is found in its place."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self._hash, self._position, self._count = NO_HASH, 0, 0

    def look(self, event: ChainedEvent) -> None:
        said = self.checkpoint
        if event.position > said.position or said.tenant_id not in (None, event.tenant_id):
            return
        whole = said.tenant_id is None
        self._hash = event.log_hash if whole else log_hash(self._hash, event.stream_hash)
        self._position, self._count = event.position, self._count + 1

    def finding(self, end: int) -> Finding | None:
        """`end` is the last position of the log."""
        said = self.checkpoint
        if (self._hash, self._position) == (said.hash, said.position):
            return None
        of = f"the checkpoint of {said.time:%Y-%m-%d %H:%M:%S} UTC"
        if self._count < said.count and end < said.position:
            gone = said.count - self._count
            message = (
                f"the log ends at position {end}; {of} knows position {said.position}: "
                f"{_events(gone)} cut off"
            )
            return Finding(Flaw.TRUNCATED, said.position, None, None, message)
        if self._count < said.count:
            gone = said.count - self._count
            message = f"{of} knows {_events(gone)} more up to here"
            return Finding(Flaw.MISSING, said.position, None, None, message)
        message = f"{of} has another hash here: the log before was written anew"
        return Finding(Flaw.REWRITTEN, said.position, None, None, message)


class Verification:
    """Takes every event in the order of positions, then says what was found."""

    def __init__(self, checkpoints: Sequence[Checkpoint] = ()) -> None:
        self._expected = [_Expected(checkpoint) for checkpoint in checkpoints]
        self._streams: dict[UUID, tuple[int, bytes]] = {}
        self._odd: list[Odd] = []
        self.position, self.hash = 0, NO_HASH
        self.count = self.odd = 0

    @property
    def streams(self) -> int:
        """How many streams there are."""
        return len(self._streams)

    def look(self, event: ChainedEvent) -> None:
        """The next event."""
        version, before = self._streams.get(event.stream, (0, NO_HASH))
        follows = event.version == version + 1
        intact = follows and stream_hash(before, event) == event.stream_hash
        linked = log_hash(self.hash, event.stream_hash) == event.log_hash
        if not (intact and linked and event.position > self.position):
            self.odd += 1
            if len(self._odd) < MOST_ODD:
                self._odd.append(Odd(event, version, before, self.position, intact, linked))
        if event.version > version:
            self._streams[event.stream] = (event.version, event.stream_hash)
        for expected in self._expected:
            expected.look(event)
        self.position, self.hash = event.position, event.log_hash
        self.count += 1

    def findings(self) -> list[Finding]:
        """Everything that is wrong, in the order of positions; empty when nothing is."""
        against = (expected.finding(self.position) for expected in self._expected)
        found = explained(self._odd) + [finding for finding in against if finding is not None]
        return sorted(found, key=lambda finding: finding.position)


def _events(count: int) -> str:
    return "1 event was" if count == 1 else f"{count:,} events were"
