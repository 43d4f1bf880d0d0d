"""The event log under `kill -9`, and on a disk that is full."""

import signal
import subprocess
import sys
from pathlib import Path

from edge.store.log import EventLog
from tests.edge.event_logs import Open, everything, numbers
from tests.edge.running import ROOT
from tests.patience import PATIENCE, eventually

WRITE = """
import sys, time
from pathlib import Path
from edge.store.log import EventLog
from edge.store.streams import Channel, Priority, Stream
folder = Path(sys.argv[1])
log = EventLog(folder / "events.db", folder / "key", lambda: 2**30, time.time)
number = int(sys.argv[2])
while True:
    batches = []
    for _ in range(50):
        content = b'{"kind":"test","number":%d}' % number
        batches.append((number, log.append(Stream(Channel.LOG, Priority.NORMAL), content)))
        number += 1
    for one, batch in batches:
        batch.done.result()
        print(one, flush=True)
"""


def test_nothing_acknowledged_is_lost_and_no_number_is_given_twice_by_kill_9(
    opened: Open, tmp_path: Path
) -> None:
    acknowledged: list[int] = []
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITE, str(tmp_path), str(len(acknowledged) * 1_000)],
            stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert writer.stdout is not None
        acknowledged += [int(writer.stdout.readline()) for _ in range(500)]
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split("\n")
        acknowledged += [int(line) for line in rest[:-1]]
        writer.wait(PATIENCE)
    found = numbers(opened())
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))


FULL = """
import resource, sys, time
from pathlib import Path
from edge.store.batch import LogRefused
from edge.store.log import EventLog
from edge.store.streams import Channel, Priority, Stream
folder = Path(sys.argv[1])
log = EventLog(folder / "events.db", folder / "key", lambda: 2**30, time.time)
low, high = (Stream(Channel.LOG, one) for one in (Priority.LOW, Priority.HIGH))
log.append(low, b'{"kind":"test","number":0}').done.result()
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
words = None
while words is None:
    try:
        log.append(low, b'{"kind":"test","pad":"' + b"x" * 5000 + b'"}').done.result()
    except LogRefused as error:
        words = str(error)
waits = log.append(high, b'{"kind":"test","number":1}').done
problem = None
while not problem:
    problem = log.numbers().result()["problem"]
held = not waits.done()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
waits.result()
print(words, "|", problem, "|", held)
log.close()
"""


def test_a_full_disk_refuses_what_matters_less_in_words_and_holds_back_what_matters(
    opened: Open, tmp_path: Path
) -> None:
    """The file may not grow: what a full disk looks like to a program."""
    result = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)],
        capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    words, problem, held = result.stdout.strip().split(" | ")
    assert "the disk" in words
    assert "not logged" in words
    assert "the disk" in problem
    assert held == "True"
    log = opened()
    assert eventually(lambda: 1 in _tolerant(log))


def _tolerant(log: EventLog) -> list[object]:
    return [one.get("number") for events in everything(log).values() for one in events.values()]
