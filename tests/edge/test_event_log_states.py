"""The event log against a plain model of it: whatever is done to it in whatever order."""

import json
import tempfile
from pathlib import Path
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.store.log import EventLog
from edge.store.streams import Channel, Priority, Stream
from tests.patience import PATIENCE

STREAMS = [
    Stream(channel, priority) for channel in (Channel.LOG, Channel.SYS) for priority in Priority
]


class EventLogStates(RuleBasedStateMachine):
    """`expected`: events by log and number, of those that nobody took."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="edge-log-")
        self.expected: dict[UUID, dict[int, int]] = {}
        self.partly: dict[UUID, set[int]] = {}
        self.given: set[tuple[UUID, int]] = set()
        self.count = 0
        self.open()

    def open(self) -> None:
        folder = Path(self.folder.name)
        self.log = EventLog(folder / "events.db", folder / "key", lambda: 1 << 30, lambda: 0.0)

    @rule(stream=st.sampled_from(STREAMS), many=st.integers(1, 20))
    def append(self, stream: Stream, many: int) -> None:
        batches = []
        for _ in range(many):
            self.count += 1
            content = json.dumps({"n": self.count}).encode()
            batches.append((self.count, self.log.append(stream, content)))
        places: dict[int, int] = {}
        for number, batch in batches:
            written = batch.done.result(PATIENCE)
            at = written.first + places.get(id(batch), 0)
            places[id(batch)] = places.get(id(batch), 0) + 1
            assert (written.log, at) not in self.given, "a number was given twice"
            self.given.add((written.log, at))
            self.expected.setdefault(written.log, {})[at] = number

    @precondition(lambda self: any(self.expected.values()))
    @rule(data=st.data())
    def take(self, data: st.DataObject) -> None:
        log = data.draw(st.sampled_from([log for log, kept in self.expected.items() if kept]))
        first = data.draw(st.integers(1, max(self.expected[log])))
        last = data.draw(st.integers(first, max(self.expected[log])))
        self.log.forget(log, [(first, last)]).result(PATIENCE)
        for number in range(first, last + 1):
            self.expected[log].pop(number, None)

    @rule()
    def reopen(self) -> None:
        self.log.close()
        self.open()

    @invariant()
    def all_that_was_not_taken_is_there(self) -> None:
        found: dict[UUID, dict[int, int]] = {}
        for head in self.log.heads().result(PATIENCE):
            number = head.first
            while piece := self.log.read(head.log, number, 200, 7).result(PATIENCE):
                for at, content in enumerate(piece.events, piece.first):
                    found.setdefault(head.log, {})[at] = json.loads(content)["n"]
                number = piece.last + 1
        for log, kept in self.expected.items():
            # A segment of which only a part was taken may still be there as a whole.
            assert kept.items() <= found.get(log, {}).items()
        for log, events in found.items():
            assert {(log, number) for number in events} <= self.given

    def teardown(self) -> None:
        self.log.close()
        self.folder.cleanup()


TestEventLogStates = EventLogStates.TestCase
TestEventLogStates.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
