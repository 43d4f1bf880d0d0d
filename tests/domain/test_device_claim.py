"""Claims: each lets one device in, once, for some time."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.device_claim import DeviceClaim
from domain.refusal import Refusal, RefusalCode

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
END = NOW + timedelta(days=1)


def claim() -> DeviceClaim:
    labels = {"site": "berlin"}
    return DeviceClaim.issue(uuid4(), "ab" * 32, END, labels, "cameras", None, "")


def refusal_of(used: DeviceClaim, key: str, at: datetime) -> Refusal:
    with pytest.raises(Refusal) as refused:
        used.use(key, at)
    return refused.value


def test_a_claim_lets_one_key_in() -> None:
    one = claim()
    one.use("aa", NOW)
    assert refusal_of(one, "bb", NOW).code is RefusalCode.INVALID_STATE


def test_the_same_key_may_come_again_and_that_is_no_event() -> None:
    one = claim()
    one.use("aa", NOW)
    one.use("aa", NOW)
    one.use("aa", END + timedelta(days=9))
    assert [type(event) for event in one.pending_events] == [DeviceClaim.Issued, DeviceClaim.Used]


def test_a_claim_that_is_too_old_lets_nobody_in() -> None:
    refusal_of(claim(), "aa", END)
    refusal_of(claim(), "aa", END + timedelta(seconds=1))
    claim().use("aa", END - timedelta(microseconds=1))


def test_a_withdrawn_claim_lets_nobody_in() -> None:
    one = claim()
    one.withdraw()
    one.withdraw()
    refusal_of(one, "aa", NOW)
    assert sum(isinstance(event, DeviceClaim.Withdrawn) for event in one.pending_events) == 1


def test_a_claim_that_was_used_cannot_be_withdrawn() -> None:
    one = claim()
    one.use("aa", NOW)
    with pytest.raises(Refusal) as refused:
        one.withdraw()
    assert refused.value.code is RefusalCode.INVALID_STATE


def test_whoever_guesses_does_not_learn_why_a_code_is_not_open() -> None:
    used, withdrawn, old = claim(), claim(), claim()
    used.use("aa", NOW)
    withdrawn.withdraw()
    told = {
        refusal_of(used, "bb", NOW).message,
        refusal_of(withdrawn, "bb", NOW).message,
        refusal_of(old, "bb", END).message,
    }
    assert len(told) == 1


def test_a_claim_makes_the_same_device_whenever_it_is_asked() -> None:
    one = claim()
    before = one.device_id
    one.use("aa", NOW)
    assert one.device_id == before
    assert claim().device_id != before


@given(
    st.lists(st.tuples(st.sampled_from(["aa", "bb", "withdraw"]), st.integers(-2, 2)), max_size=8)
)
def test_in_whatever_order_at_most_one_key_is_ever_let_in(acts: list[tuple[str, int]]) -> None:
    one, let_in = claim(), set()
    for what, days in acts:
        try:
            if what == "withdraw":
                one.withdraw()
            else:
                one.use(what, END + timedelta(days=days))
                let_in.add(what)
        except Refusal:
            pass
    assert len(let_in) <= 1
    assert not (one.withdrawn and let_in)
