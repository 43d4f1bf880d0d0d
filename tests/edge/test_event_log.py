"""The event log: durable when it says so, in order, within its limit, whatever happens to its
file."""

import json
import math
import os
from pathlib import Path

import apsw
import pytest

from edge.store.batch import MOST_IN_GROUP, MOST_SEGMENT, LogRefused, Waiting
from edge.store.streams import LOUD, Channel, Priority, Stream
from tests.edge.event_logs import Open, event, everything, kinds, numbers
from tests.patience import PATIENCE

NORMAL = Stream(Channel.LOG, Priority.NORMAL)
LOW = Stream(Channel.LOG, Priority.LOW)
HIGH = Stream(Channel.LOG, Priority.HIGH)
MEGABYTE = 1 << 20


def test_what_is_acknowledged_is_there_after_it_is_opened_again(opened: Open) -> None:
    log = opened()
    batches = [log.append(NORMAL, event(number)) for number in range(5_000)]
    for batch in batches:
        batch.done.result(PATIENCE)
    log.close()
    again = opened()
    assert numbers(again) == list(range(5_000))


def test_numbers_go_on_after_everything_was_taken(opened: Open) -> None:
    log = opened()
    first = log.append(NORMAL, event(0)).done.result(PATIENCE)
    log.forget(first.log, [(1, 1)]).result(PATIENCE)
    log.close()
    again = opened()
    second = again.append(NORMAL, event(1)).done.result(PATIENCE)
    assert (second.log, second.first) == (first.log, 2)


def test_ranges_that_were_taken_are_forgotten_and_the_rest_is_kept(opened: Open) -> None:
    log = opened()
    for number in range(10):
        written = log.append(NORMAL, event(number)).done.result(PATIENCE)
    log.forget(written.log, [(1, 3), (8, 8), (99, 200)]).result(PATIENCE)
    assert numbers(log) == [3, 4, 5, 6, 8, 9]


def test_each_priority_is_a_log_of_its_own_without_holes(opened: Open) -> None:
    log = opened()
    for number in range(30):
        log.append((LOW, NORMAL, HIGH)[number % 3], event(number)).done.result(PATIENCE)
    for events in everything(log).values():
        assert list(events) == list(range(1, 11))


def test_nothing_readable_is_in_the_file(opened: Open, tmp_path: Path) -> None:
    log = opened()
    log.append(NORMAL, b'{"kind":"secret-of-the-device"}').done.result(PATIENCE)
    log.close()
    for file in tmp_path.glob("events.db*"):
        assert b"secret-of-the-device" not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0


def test_at_the_limit_the_least_important_and_oldest_go_and_that_is_said(opened: Open) -> None:
    log = opened(limit=MEGABYTE)
    low = 300
    for number in range(low):
        log.append(LOW, event(number, 2_000)).done.result(PATIENCE)
    for number in range(1_000, 1_150):
        log.append(HIGH, event(number, 2_000)).done.result(PATIENCE)
    found = numbers(log)
    assert [one for one in found if int(str(one)) >= 1_000] == list(range(1_000, 1_150))
    kept_low = [one for one in found if int(str(one)) < 1_000]
    assert len(kept_low) < low
    assert kept_low == list(range(low - len(kept_low), low))
    dropped = [
        one
        for events in everything(log).values()
        for one in events.values()
        if one["kind"] == "log.dropped"
    ]
    assert sum(int(str(one["count"])) for one in dropped) == low - len(kept_low)
    assert log.numbers().result(PATIENCE)["bytes"] <= MEGABYTE + 100_000


def test_what_matters_less_than_all_that_is_kept_is_refused_in_words(opened: Open) -> None:
    log = opened()
    for number in range(300):
        log.append(HIGH, event(number, 2_000)).done.result(PATIENCE)
    log.close()
    smaller = opened(limit=MEGABYTE // 2)
    with pytest.raises(LogRefused, match="the disk limit is reached"):
        smaller.append(LOW, event(300)).done.result(PATIENCE)
    assert numbers(smaller) == list(range(300))


def test_a_segment_with_a_flipped_bit_is_set_aside_and_the_rest_is_read(
    opened: Open, tmp_path: Path
) -> None:
    log = opened()
    for number in range(10):
        log.append(NORMAL, event(number)).done.result(PATIENCE)
    log.close()
    with apsw.Connection(str(tmp_path / "events.db")) as db:
        (sealed,) = next(iter(db.execute("SELECT sealed FROM segments WHERE first = 5")))
        assert isinstance(sealed, bytes)
        flipped = sealed[:40] + bytes([sealed[40] ^ 1]) + sealed[41:]
        db.execute("UPDATE segments SET sealed = ? WHERE first = 5", (flipped,))
    db.close()
    again = opened()
    assert numbers(again) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert "log.damaged" in kinds(again)
    assert again.numbers().result(PATIENCE)["lost"] == {"damaged": 1}
    again.append(NORMAL, event(10)).done.result(PATIENCE)
    assert numbers(again)[-1] == 10


def test_segments_that_were_swapped_are_noticed(opened: Open, tmp_path: Path) -> None:
    log = opened()
    for number in range(2):
        log.append(NORMAL, event(number)).done.result(PATIENCE)
    log.close()
    with apsw.Connection(str(tmp_path / "events.db")) as db:
        db.execute("UPDATE segments SET first = 100 WHERE first = 1")
    db.close()
    assert numbers(opened()) == [1]


@pytest.mark.parametrize("damage", ["no database", "torn pages", "cut short"])
def test_a_damaged_file_is_set_aside_and_the_log_goes_on(
    opened: Open, tmp_path: Path, damage: str
) -> None:
    log = opened()
    for number in range(300):
        log.append(NORMAL, event(number, 1_000)).done.result(PATIENCE)
    before = everything(log)
    log.close()
    file = tmp_path / "events.db"
    content = bytearray(file.read_bytes())
    if damage == "no database":
        content[:100] = os.urandom(100)
    elif damage == "torn pages":
        for page in range(1, len(content) // 4096):
            content[page * 4096 : page * 4096 + 64] = os.urandom(64)
    else:
        del content[len(content) // 2 :]
    file.write_bytes(content)
    again = opened()
    found = everything(again)
    written = again.append(NORMAL, event(1_000)).done.result(PATIENCE)
    assert "log.set_aside" in kinds(again)
    assert list(tmp_path.glob("events.db.damaged-*"))
    # A number of a log is never given to another event.
    assert written.log not in before
    for uuid, events in found.items():
        for number, one in events.items():
            assert before.get(uuid, {}).get(number, one) == one


def test_a_lost_key_sets_the_file_aside_instead_of_losing_it_bit_by_bit(
    opened: Open, tmp_path: Path
) -> None:
    log = opened()
    log.append(NORMAL, event(0)).done.result(PATIENCE)
    log.close()
    again = opened(key="another")
    assert kinds(again) == ["log.set_aside"]
    assert list(tmp_path.glob("events.db.damaged-*"))


def test_more_than_fits_a_transaction_is_written_in_several_and_stays_in_order(
    opened: Open,
) -> None:
    many, log = 4 * MOST_IN_GROUP // 2_000, opened()
    batches = [log.append(NORMAL, event(number, 2_000)) for number in range(many)]
    for batch in batches:
        batch.done.result(PATIENCE)
    assert numbers(log) == list(range(many))


def test_what_matters_more_is_written_before_what_waits_for_the_next_transaction() -> None:
    waiting = Waiting()
    for number in range(3 * MOST_IN_GROUP // MOST_SEGMENT):
        waiting.add(NORMAL, [event(number, MOST_SEGMENT)])
    waiting.add(LOUD, [event(0)])
    first = waiting.take(MOST_IN_GROUP)
    assert first[0].stream == LOUD
    assert sum(one.size for one in first) < 2 * MOST_IN_GROUP
    rest = waiting.take(math.inf)
    order = [json.loads(one.events[0])["number"] for one in [*first[1:], *rest]]
    assert order == sorted(order)
    assert (len(first) + len(rest), waiting.size) == (3 * MOST_IN_GROUP // MOST_SEGMENT + 1, 0)
