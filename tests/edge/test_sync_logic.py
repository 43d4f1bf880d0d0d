"""What is sent when, as pure code: the outbox, the modes, the bandwidth, ranges and privacy."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.store.log import Head
from edge.store.ranges import Ranges
from edge.store.streams import Channel, Priority
from edge.sync.allowance import Bucket, in_window, may_go
from edge.sync.outbox import AT_ONCE, Outbox, taken_of
from edge.sync.privacy import Privacy

NOON = 43_200.0


def head(priority: Priority = Priority.NORMAL, age: int = 1, upcoming: int = 101) -> Head:
    return Head(uuid4(), Channel.LOG, priority, 1, upcoming, age)


def send(outbox: Outbox, heads: list[Head], size: int = 10, important: bool = False) -> list[int]:
    """Sends all that may go, `size` events at once; the first numbers, in order."""
    sent = []
    while wanted := outbox.next(heads, lambda _: True, important):
        last = min(wanted.first + size, wanted.head.next, (wanted.last or 10**9) + 1) - 1
        outbox.sent(wanted.head.log, wanted.first, last, now=0.0)
        outbox.rest(wanted, last + 1)
        sent.append(wanted.first)
    return sent


def test_everything_is_sent_once_in_order() -> None:
    assert send(Outbox(), [head()]) == list(range(1, 101, 10))


def test_no_more_than_some_batches_are_under_way() -> None:
    outbox, one = Outbox(), head(upcoming=10_001)
    assert len(send(outbox, [one])) == AT_ONCE
    outbox.taken(one.log, [(1, 20)])
    assert send(outbox, [one]) == [AT_ONCE * 10 + 1, AT_ONCE * 10 + 11]


def test_what_was_not_taken_in_time_is_sent_again_and_what_was_is_not() -> None:
    outbox, one = Outbox(), head()
    send(outbox, [one])
    outbox.taken(one.log, [(1, 40), (61, 100)])
    assert outbox.overdue(now=29.0, seconds=30.0) == 0
    assert outbox.overdue(now=30.0, seconds=30.0) == 2
    assert send(outbox, [one]) == [41, 51]


def test_of_a_batch_that_is_sent_again_in_parts_no_part_is_left_out() -> None:
    outbox, one = Outbox(), head()
    send(outbox, [one], size=100)
    outbox.overdue(now=99.0, seconds=1.0)
    assert send(outbox, [one], size=30) == [1, 31, 61, 91]


def test_a_new_connection_sends_again_all_that_was_not_taken() -> None:
    outbox, one = Outbox(), head()
    send(outbox, [one])
    outbox.taken(one.log, [(11, 20)])
    outbox.connected()
    assert send(outbox, [one])[:2] == [1, 21]


def test_what_is_important_goes_first_where_that_is_wanted_else_what_is_oldest() -> None:
    old, urgent = head(age=1, upcoming=11), head(Priority.CRITICAL, age=9, upcoming=11)
    outbox = Outbox()
    first = outbox.next([old, urgent], lambda _: True, True)
    assert first
    assert first.head is urgent
    first = Outbox().next([old, urgent], lambda _: True, False)
    assert first
    assert first.head is old


@pytest.mark.parametrize(
    ("mode", "priority", "window", "goes"),
    [
        ("ONLINE", Priority.LOW, False, True),
        ("OFFLINE", Priority.CRITICAL, True, False),
        ("HYBRID", Priority.NORMAL, False, False),
        ("HYBRID", Priority.NORMAL, True, True),
        ("HYBRID", Priority.HIGH, False, True),
    ],
)
def test_modes(mode: str, priority: Priority, window: bool, goes: bool) -> None:
    assert may_go(mode, priority, window) is goes


def test_windows_go_over_midnight() -> None:
    assert in_window(["11:00-13:00"], NOON)
    assert not in_window(["13:00-11:00"], NOON)
    assert in_window(["22:00-12:01"], NOON)
    assert not in_window([], NOON)
    assert not in_window(["11:00-12:00"], NOON)


def test_bandwidth_is_kept_over_any_length_of_time() -> None:
    bucket, now, sent = Bucket(0.0), 0.0, 0
    while now < 100:
        now += bucket.wait(30_000, 10_000, now)
        sent += 30_000
    assert sent <= 10_000 * now + 10_000 + 30_000
    assert bucket.wait(10**9, 0, now) == 0


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 12)), max_size=30))
def test_ranges_hold_just_what_was_added(given_ranges: list[tuple[int, int]]) -> None:
    ranges, expected = Ranges(), set[int]()
    for first, more in given_ranges:
        begin, end = ranges.add(first, first + more)
        expected |= set(range(first, first + more + 1))
        assert set(range(begin, end + 1)) <= expected
    for number in range(1, 80):
        past = ranges.past(number)
        assert past not in expected
        assert set(range(number, past)) <= expected


@pytest.mark.parametrize(
    "body",
    [{}, {"log": "x", "ranges": []}, {"log": str(uuid4()), "ranges": [[2, 1]]}, None,
     {"log": str(uuid4()), "ranges": [[True, 2]]}, {"log": str(uuid4()), "ranges": 3}],
)  # fmt: skip
def test_a_body_that_says_nothing_sensible_takes_nothing(body: object) -> None:
    with pytest.raises(ValueError, match="no ranges"):
        taken_of(body)


def test_ranges_of_a_log_are_read() -> None:
    log = UUID(int=7)
    assert taken_of({"log": str(log), "ranges": [[1, 2], [9, 9]]}) == (log, [(1, 2), (9, 9)])


def test_private_fields_are_gone_at_any_depth_and_equal_values_stay_equal() -> None:
    privacy = Privacy(b"key", ("name",), ("plate",))
    event = {"at": 1, "kind": "name", "name": "Ann", "in": [{"plate": 7, "name": {"x": 1}}]}
    cleared = privacy.cleared(event)
    assert (cleared["at"], cleared["kind"]) == (1, "name")
    assert "Ann" not in str(cleared)
    assert cleared["in"][0] == {"plate": privacy.cleared({"plate": 7})["plate"]}
    assert cleared["in"][0] != Privacy(b"other", ("name",), ("plate",)).cleared(event)["in"][0]
