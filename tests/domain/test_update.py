"""One device in one rollout: what it says late, twice, or after the way back was offered."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain.refusal import Refusal
from domain.update import Update, update_id
from domain.update_state import Outcome, Stage, UpdateState

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
ROLLOUT, DEVICE = uuid4(), uuid4()


def offered(previous: UUID | None = None) -> Update:
    update = Update.queue(ROLLOUT, DEVICE, 1, "0" * 64)
    update.offer(1, previous, NOW)
    return update


def confirmed() -> Update:
    update = offered()
    ends(update, Outcome.CONFIRMED)
    return update


def reverting() -> Update:
    update = confirmed()
    update.revert(2, None, NOW)
    return update


def ends(update: Update, outcome: Outcome, attempts: int = 1, retryable: bool = False) -> None:
    update.settle(update.attempt, outcome, None, None, None, attempts=attempts, retryable=retryable)


def test_a_device_has_one_update_of_a_rollout_whoever_makes_it() -> None:
    assert update_id(ROLLOUT, DEVICE) == offered().id


def test_a_failure_that_may_be_tried_again_is_until_the_attempts_are_used_up() -> None:
    update = offered()
    ends(update, Outcome.FAILED, attempts=2, retryable=True)
    assert update.state is UpdateState.QUEUED
    update.offer(2, None, LATER)
    ends(update, Outcome.FAILED, attempts=2, retryable=True)
    assert update.state is UpdateState.FAILED


def test_a_way_back_that_failed_is_never_turned_into_another_try_of_the_release() -> None:
    update = reverting()
    ends(update, Outcome.FAILED, attempts=9, retryable=True)
    assert update.state is UpdateState.FAILED
    with pytest.raises(Refusal):
        update.retry()


def test_who_was_well_and_then_failed_has_failed_and_is_not_tried_again_in_silence() -> None:
    update = confirmed()
    ends(update, Outcome.FAILED, attempts=9, retryable=True)
    assert update.state is UpdateState.FAILED


def test_who_went_back_and_could_not_say_so_in_time_is_believed_later() -> None:
    update = reverting()
    update.expire(LATER)
    assert update.state is UpdateState.TIMED_OUT
    ends(update, Outcome.CONFIRMED)
    assert update.state is UpdateState.TIMED_OUT
    ends(update, Outcome.REVERTED)
    assert update.state is UpdateState.REVERTED


def test_who_did_not_answer_to_the_way_back_may_be_offered_it_again() -> None:
    update = reverting()
    update.expire(LATER)
    update.revert(3, None, LATER)
    assert (update.state, update.attempt) == (UpdateState.REVERTING, 3)


def test_who_only_did_not_answer_to_the_release_has_nothing_to_take_back() -> None:
    update = offered()
    update.expire(LATER)
    with pytest.raises(Refusal):
        update.revert(2, None, LATER)
    ends(update, Outcome.REVERTED)
    assert update.state is UpdateState.TIMED_OUT


def test_silence_while_it_installs_is_a_loss_and_before_it_is_none() -> None:
    update = offered()
    update.advance(1, Stage.INSTALLING, None)
    update.expire(NOW - timedelta(seconds=1))
    assert update.state is UpdateState.INSTALLING
    update.expire(NOW)
    assert update.state is UpdateState.LOST
    ends(update, Outcome.CONFIRMED)
    assert update.state is UpdateState.CONFIRMED


def test_what_was_never_offered_cannot_have_been_installed() -> None:
    update = Update.queue(ROLLOUT, DEVICE, 1, "0" * 64)
    for outcome in Outcome:
        if outcome not in (Outcome.CANCELED, Outcome.SKIPPED):
            ends(update, outcome)
    update.cancel()
    ends(update, Outcome.CONFIRMED)
    assert update.state is UpdateState.CANCELED


def test_who_installs_already_cannot_have_had_nothing_to_do() -> None:
    update = offered()
    update.advance(1, Stage.INSTALLING, None)
    update.cancel()
    ends(update, Outcome.SKIPPED)
    assert update.state is UpdateState.INSTALLING


def test_a_cancel_that_came_too_late_is_told_by_the_device() -> None:
    update = offered()
    update.cancel()
    ends(update, Outcome.CONFIRMED)
    assert update.state is UpdateState.CONFIRMED


def test_the_way_back_is_to_what_ran_at_the_newest_offer() -> None:
    first, between = uuid4(), uuid4()
    update = offered(first)
    ends(update, Outcome.FAILED, attempts=2, retryable=True)
    update.offer(2, between, LATER)
    assert update.previous == between
    ends(update, Outcome.LOST)
    update.retry()
    update.offer(3, ROLLOUT, LATER)
    assert update.previous == between, "what it runs by now is this rollout's own"
