"""The way of an update, as a machine: any order of what may happen, cut off anywhere."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.protocol.topics import Address
from edge.protocol.updates import Action, Offer, Problem, Reported
from edge.update import events as e
from edge.update.machine import MOST_CRASHES, MOST_CRASHES_IN_PROBATION, step
from edge.update.record import Record, Stage

A, B, C = "a" * 64, "b" * 64, "c" * 64
WAY = list(Reported)


def offer(counter: int, release: str | None, action: Action = Action.INSTALL) -> Offer:
    return Offer(
        Address(UUID(int=1), UUID(int=2)), uuid4(), uuid4(), 1, counter, action, release, (), (),
        0.99, 1.0, 2.0,
    )  # fmt: skip


def heard(one: Offer, other: str | None = None) -> e.OfferHeard:
    return e.OfferHeard(one, str(one.update), other)


def after(record: Record, *events: e.Event) -> tuple[Record, list[e.Action]]:
    done: list[e.Action] = []
    for event in events:
        record, actions = step(record, event)
        done = list(actions)
    return record, done


def on_probation(one: Offer, current: str | None = A) -> Record:
    record, _ = after(
        Record(current=current), heard(one), e.Downloaded(one.counter),
        e.Verified(one.counter, True), e.HealthFound(one.counter, {}),
        e.Switched(one.counter, one.release),
    )  # fmt: skip
    assert record.stage is Stage.PROBATION
    return record


def last(record: Record) -> tuple[Reported, Problem | None]:
    return record.reports[-1].report.state, record.reports[-1].report.problem


def test_nothing_is_switched_to_that_is_not_well() -> None:
    one = offer(1, B)
    record, actions = after(
        Record(current=A), heard(one), e.Downloaded(1), e.Verified(1, True),
        e.HealthFound(1, {"agreed": 0}, Problem.GOLDEN_MISMATCH, "another shape"),
    )  # fmt: skip
    assert last(record) == (Reported.FAILED, Problem.GOLDEN_MISMATCH)
    assert record.current == A
    assert not any(isinstance(action, e.Switch) for action in actions)


def test_it_waits_for_its_window() -> None:
    one = offer(1, B)
    record, actions = after(Record(), heard(one), e.Downloaded(1), e.Verified(1, False))
    assert (record.stage, e.AwaitWindow(one) in actions) == (Stage.WAITING, True)
    record, actions = after(record, e.WindowOpen(1))
    assert e.CheckHealth(one) in actions


def test_what_crashes_on_probation_is_rolled_back() -> None:
    record = on_probation(offer(1, B))
    for _ in range(MOST_CRASHES_IN_PROBATION):
        record, actions = after(record, e.PowerCameBack(B, crashed=True))
    assert isinstance(actions[0], e.RollBack)
    record, _ = after(record, e.RolledBack(1, A))
    assert last(record) == (Reported.LOCAL_ROLLED_BACK, Problem.CRASHED)
    assert record.reports[-1].report.release == A


def test_what_crashes_again_and_again_after_it_was_confirmed_is_rolled_back() -> None:
    record, _ = after(on_probation(offer(1, B)), e.ProbationOver(1))
    assert last(record) == (Reported.CONFIRMED, None)
    for _ in range(MOST_CRASHES):
        record, actions = after(record, e.PowerCameBack(B, crashed=True))
    assert isinstance(actions[0], e.RollBack)
    record, _ = after(record, e.RolledBack(1, A))
    assert last(record) == (Reported.LOCAL_ROLLED_BACK, Problem.CRASHED)


def test_crashes_long_ago_are_forgotten_and_a_power_cut_is_none() -> None:
    record, _ = after(on_probation(offer(1, B)), e.ProbationOver(1))
    for _ in range(10):
        record, _ = after(record, e.PowerCameBack(B, crashed=True), e.Calm())
        record, _ = after(record, *[e.PowerCameBack(B)] * 5)
    assert (record.stage, record.crashes) == (Stage.IDLE, 0)


def test_what_was_reverted_to_is_not_rolled_back_to_what_was_reverted() -> None:
    record, _ = after(on_probation(offer(1, B)), e.ProbationOver(1))
    back = offer(2, A, Action.REVERT)
    record, actions = after(record, heard(back, A))
    assert actions == [e.Switch(back)]
    record, actions = after(record, e.Switched(2, A))
    assert last(record) == (Reported.REVERTED, None)
    assert e.CleanUp(keep_other=False) in actions
    record, _ = after(record, *[e.PowerCameBack(A, crashed=True)] * 10)
    assert (record.stage, record.current) == (Stage.IDLE, A)


def test_of_a_revert_the_end_alone_is_told() -> None:
    back = offer(2, C, Action.REVERT)
    record, actions = after(Record(current=B), heard(back, A))
    assert isinstance(actions[0], e.Download)
    record, _ = after(record, e.Downloaded(2), e.Verified(2, False), e.WindowOpen(2))
    assert record.reports == ()


def test_damaged_files_of_what_runs_are_told_and_what_is_under_way_goes_on() -> None:
    record, _ = after(on_probation(offer(1, B)), e.ProbationOver(1))
    two = offer(2, C)
    record, _ = after(record, heard(two))
    record, actions = after(record, e.PowerCameBack(A, damaged=True))
    assert e.Download(two) in actions
    words = {one.report.counter: one.report.problem for one in record.reports}
    assert words[1] is Problem.WRONG_HASH


def test_what_an_offer_that_was_given_up_comes_to_changes_nothing() -> None:
    record, _ = after(Record(current=A), heard(offer(1, B)), heard(offer(2, C)))
    assert after(record, e.Downloaded(1)) == (record, [])
    assert after(record, e.HealthFound(1, {})) == (record, [])


def test_a_withdrawn_offer_is_given_up_until_it_is_switched_to() -> None:
    record, _ = after(Record(current=A), heard(offer(1, B)), e.OfferWithdrawn())
    assert (record.stage, record.offer, record.counter) == (Stage.IDLE, None, 1)
    record = on_probation(offer(1, B))
    assert after(record, e.OfferWithdrawn())[0] == record


def test_a_word_is_kept_until_the_platform_has_it() -> None:
    one, two = offer(1, B), offer(2, C)
    record, _ = after(on_probation(one), e.ProbationOver(1), heard(two))
    assert [said.report.counter for said in record.reports] == [1, 2]
    confirmed = record.reports[0]
    record, _ = after(record, e.ReportTaken(confirmed.update, confirmed.report))
    assert [said.report.counter for said in record.reports] == [2]


class Anything(RuleBasedStateMachine):
    """`pending`: what the machine asked for last, to be done or cut off; `slots` what is on disk:
    (current, other). `well`: counters whose files verified and whose health was found good."""

    def __init__(self) -> None:
        super().__init__()
        self.record = Record()
        self.slots: tuple[str | None, str | None] = (None, None)
        self.pending: list[e.Action] = []
        self.verified: set[int] = set()
        self.well: set[int] = set()
        self.offers: list[Offer] = []

    def happens(self, event: e.Event) -> None:
        before = self.record
        self.record, actions = step(before, event)
        self.pending += actions
        assert self.record.counter >= before.counter
        assert Record.of(self.record.document()) == self.record
        for one in self.record.reports:
            earlier = next((was for was in before.reports if was.update == one.update), None)
            if earlier and earlier.report.attempt == one.report.attempt:
                assert WAY.index(one.report.state) >= WAY.index(earlier.report.state)
        for action in actions:
            if isinstance(action, e.Switch) and action.offer.action is Action.INSTALL:
                assert action.offer.counter in self.well & self.verified

    @rule(release=st.sampled_from([A, B, C]), revert=st.booleans(), none=st.booleans())
    def an_offer(self, release: str, revert: bool, none: bool) -> None:
        made = offer(
            self.record.counter + 1,
            None if revert and none else release,
            Action.REVERT if revert else Action.INSTALL,
        )
        self.offers.append(made)
        self.happens(heard(made, self.slots[1]))

    @precondition(lambda self: self.offers)
    @rule()
    def the_same_again(self) -> None:
        if self.offers[-1].counter == self.record.counter:
            self.happens(heard(self.offers[-1], self.slots[1]))

    @rule(binding=st.booleans(), ahead=st.integers(-3, 3))
    def a_refused_one(self, binding: bool, ahead: int) -> None:
        counter = max(0, self.record.counter + ahead)
        self.happens(
            e.OfferRefused(uuid4(), 1, counter, Problem.INCOMPATIBLE, "no", binding=binding)
        )

    @rule()
    def withdrawn(self) -> None:
        self.happens(e.OfferWithdrawn())

    @rule(crashed=st.booleans())
    def power_came_back(self, crashed: bool) -> None:
        self.pending = []
        self.happens(e.PowerCameBack(self.slots[0], crashed))
        assert self.record.stage is Stage.IDLE or self.pending

    @rule()
    def damaged(self) -> None:
        self.slots = (self.slots[1], None)
        self.pending = []
        self.happens(e.PowerCameBack(self.slots[0], damaged=True))

    @rule(release=st.sampled_from([A, B, C]))
    def unwell(self, release: str) -> None:
        self.happens(e.Unwell(release, Problem.LOAD_FAILED, "it does not load"))

    @rule()
    def calm(self) -> None:
        self.happens(e.Calm())

    @rule()
    def all_words_are_taken(self) -> None:
        for one in self.record.reports:
            self.happens(e.ReportTaken(one.update, one.report))

    @precondition(lambda self: self.pending)
    @rule(good=st.booleans(), now=st.booleans())
    def one_is_done(self, good: bool, now: bool) -> None:
        action: Any = self.pending.pop(0)
        counter = action.offer.counter if hasattr(action, "offer") else 0
        wrong = e.WentWrong(counter, Reported.FAILED, Problem.DISK_FULL, "full", True)
        match action:
            case e.Download():
                self.happens(e.DownloadBegan(counter))
                self.happens(e.Downloaded(counter) if good else wrong)
            case e.Verify():
                self.verified |= {counter} if good else set()
                self.happens(e.Verified(counter, now) if good else wrong)
            case e.AwaitWindow():
                self.happens(e.WindowOpen(counter))
            case e.CheckHealth():
                self.well |= {counter} if good else set()
                bad = None if good else Problem.CRASHED
                self.happens(e.HealthFound(counter, {}, bad, None))
            case e.Switch(one):
                if good and one.release != self.slots[0]:
                    self.slots = (one.release, self.slots[0])
                self.happens(e.Switched(counter, one.release) if good else wrong)
            case e.RollBack(one):
                if self.slots[0] == one.release:
                    self.slots = (self.slots[1], self.slots[0])
                self.happens(e.RolledBack(counter, self.slots[0]))
            case e.Watch(one, seconds) if seconds is not None and good:
                self.happens(e.ProbationOver(counter))
            case e.CleanUp(keep_other) if not keep_other:
                self.slots = (self.slots[0], None)

    @invariant()
    def idle_has_no_offer(self) -> None:
        assert (self.record.stage is Stage.IDLE) == (self.record.offer is None)

    @invariant()
    def words_are_few(self) -> None:
        assert len(self.record.reports) <= 8


TestAnything = Anything.TestCase
TestAnything.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_an_expired_offer_under_way_fails_and_may_be_tried_again() -> None:
    one = replace(offer(1, B), expires_at=3.0)
    wrong = e.WentWrong(1, Reported.FAILED, Problem.UNREACHABLE, "too late", retryable=True)
    record, actions = after(Record(current=A), heard(one), wrong)
    assert last(record) == (Reported.FAILED, Problem.UNREACHABLE)
    assert record.reports[-1].report.retryable
    assert e.Ask() in actions
