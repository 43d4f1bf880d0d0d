"""What every event log promises, in memory and on PostgreSQL alike."""

import time
from datetime import UTC, datetime
from threading import Barrier, Thread
from uuid import uuid4

import pytest

from application.ports.event_log import ConcurrentChange, EventLog, ForeignAggregate, Moment
from domain.cause import NothingIsActing
from domain.model import Model, ModelStatus
from domain.quota import Quota
from infrastructure.event_store.memory import MemoryEventLog
from tests.services.store_examples import busy_model, in_tenant, new_model


@pytest.fixture(params=["memory", "postgres"])
def log(request: pytest.FixtureRequest) -> EventLog:
    if request.param == "memory":
        return MemoryEventLog()
    log: EventLog = request.getfixturevalue("event_log")
    return log


def test_what_was_saved_is_found_again(log: EventLog) -> None:
    with in_tenant(uuid4()) as cause:
        model = new_model()
        model.archive()
        log.save(model)
        found = log.find(Model, model.id)
    assert found == model
    assert found.tenant_id == cause.tenant_id
    assert found.status is ModelStatus.ARCHIVED


def test_an_unknown_stream_is_none(log: EventLog) -> None:
    with in_tenant(uuid4()):
        assert log.find(Model, uuid4()) is None
        assert log.stream(uuid4()) == []


def test_a_stream_of_another_class_is_none(log: EventLog) -> None:
    with in_tenant(uuid4()):
        model = new_model()
        log.save(model)
        assert log.find(Quota, model.id) is None


def test_positions_rise_and_the_last_one_is_returned(log: EventLog) -> None:
    with in_tenant(uuid4()):
        first, second = busy_model(2), busy_model(1)
        returned = [log.save(first), log.save(second)]
        recorded = log.after(0, 100)
    positions = [each.position for each in recorded]
    assert positions == sorted(set(positions))
    assert returned == [positions[2], positions[4]]


def test_saving_nothing_returns_the_head_of_the_log(log: EventLog) -> None:
    with in_tenant(uuid4()):
        model = new_model()
        position = log.save(model)
        assert log.save(model) == position


def test_saving_nothing_in_an_empty_log_is_position_zero(log: EventLog) -> None:
    with in_tenant(uuid4()):
        assert log.save() == 0


def test_an_event_carries_its_cause_and_the_time_it_was_recorded(log: EventLog) -> None:
    before = datetime.now(UTC)
    with in_tenant(uuid4()) as cause:
        model = new_model()
        log.save(model)
        (recorded,) = log.stream(model.id)
    assert recorded.event.cause == cause
    assert recorded.tenant_id == cause.tenant_id
    assert before <= recorded.recorded_at <= datetime.now(UTC)
    assert isinstance(recorded.event, Model.Registered)


def test_the_second_of_two_changes_to_the_same_version_is_refused(log: EventLog) -> None:
    with in_tenant(uuid4()):
        model = new_model()
        log.save(model)
        mine, yours = log.find(Model, model.id), log.find(Model, model.id)
        assert mine is not None
        assert yours is not None
        mine.archive()
        yours.delete()
        log.save(mine)
        with pytest.raises(ConcurrentChange):
            log.save(yours)
        assert log.find(Model, model.id) == mine


def test_two_aggregates_are_saved_together_or_not_at_all(log: EventLog) -> None:
    with in_tenant(uuid4()):
        taken = new_model()
        log.save(taken)
        stale, other = log.find(Model, taken.id), new_model("other")
        assert stale is not None
        taken.archive()
        log.save(taken)
        stale.delete()
        with pytest.raises(ConcurrentChange):
            log.save(other, stale)
        assert log.find(Model, other.id) is None
        assert len(log.after(0, 100)) == 2


def test_two_aggregates_saved_together_follow_each_other(log: EventLog) -> None:
    with in_tenant(uuid4()):
        one, other = busy_model(1), busy_model(1)
        last = log.save(one, other)
        streams = [each.event.originator_id for each in log.after(0, 100)]
        assert log.after(0, 100)[-1].position == last
    assert streams == [one.id, one.id, other.id, other.id]


def test_of_many_writers_at_once_one_wins_each_version(log: EventLog) -> None:
    tenant_id = uuid4()
    with in_tenant(tenant_id):
        model = new_model()
        log.save(model)
    barrier, outcomes = Barrier(8), []

    def write() -> None:
        with in_tenant(tenant_id):
            mine = log.find(Model, model.id)
            assert mine is not None
            mine.archive()
            barrier.wait()
            try:
                outcomes.append(log.save(mine))
            except ConcurrentChange:
                outcomes.append(None)

    threads = [Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 8
    assert sum(outcome is not None for outcome in outcomes) == 1


def test_a_stream_ends_at_a_position(log: EventLog) -> None:
    with in_tenant(uuid4()):
        model = busy_model(3)
        log.save(model)
        whole = log.stream(model.id)
        middle = whole[1].position
        assert log.stream(model.id, Moment(position=middle)) == whole[:2]
        assert log.stream(model.id, Moment(position=whole[0].position - 1)) == []


def test_a_stream_ends_at_a_time(log: EventLog) -> None:
    with in_tenant(uuid4()):
        model = new_model()
        log.save(model)
        between = log.stream(model.id)[0].recorded_at
        time.sleep(0.01)
        model.archive()
        log.save(model)
        whole = log.stream(model.id)
        assert log.stream(model.id, Moment(time=between)) == whole[:1]
        assert log.stream(model.id, Moment(time=whole[1].recorded_at)) == whole


def test_the_log_is_read_on_from_a_position(log: EventLog) -> None:
    with in_tenant(uuid4()):
        log.save(busy_model(4))
        whole = log.after(0, 100)
        assert log.after(0, 2) == whole[:2]
        assert log.after(whole[1].position, 2) == whole[2:4]
        assert log.after(whole[-1].position, 2) == []


def test_a_tenant_sees_nothing_of_another(log: EventLog) -> None:
    with in_tenant(uuid4()):
        model = busy_model(2)
        log.save(model)
    with in_tenant(uuid4()):
        assert log.find(Model, model.id) is None
        assert log.stream(model.id) == []
        assert log.after(0, 100) == []


def test_a_tenant_cannot_add_to_the_stream_of_another(log: EventLog) -> None:
    with in_tenant(uuid4()):
        model = new_model()
        log.save(model)
    with in_tenant(uuid4()):
        model.archive()
        with pytest.raises(ForeignAggregate):
            log.save(model)


def test_two_tenants_share_the_positions_and_not_the_events(log: EventLog) -> None:
    ours, theirs = uuid4(), uuid4()
    for tenant_id in (ours, theirs, ours):
        with in_tenant(tenant_id):
            log.save(new_model())
    with in_tenant(ours):
        positions = [each.position for each in log.after(0, 100)]
    with in_tenant(theirs):
        (other,) = log.after(0, 100)
    assert positions[0] < other.position < positions[1]


def test_nothing_can_be_saved_by_nobody(log: EventLog) -> None:
    with in_tenant(uuid4()):
        model = new_model()
    with pytest.raises(NothingIsActing):
        log.save(model)
