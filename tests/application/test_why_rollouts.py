"""Why a device was rolled back, told from the log in plain words."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from application.rollouts.replaying import past_of
from application.why.chain import Subject
from application.why.explanation import explanation
from application.why.sentences import LONGEST, Sentences
from application.why.walk import why
from domain.aggregate import Aggregate
from domain.cause import Cause, acting, because_of
from domain.device import Device
from domain.device_description import Description
from domain.release import Component, ComponentKind, Release
from domain.rollout import Rollout
from domain.rollout_evidence import GateFinding, Tally
from domain.rollout_plan import HealthMetric, Plan, StopRule, Target
from domain.rollout_replay import replay
from domain.rollout_standing import Standing
from domain.rollout_status import PauseReason
from domain.rollout_stops import stop_of
from domain.update import Update
from domain.update_state import Outcome, Stage
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.postgres.database import Database
from infrastructure.postgres.reads import PostgresReads

LATER = datetime.now(UTC) + timedelta(hours=1)
RELEASE = Release((Component(ComponentKind.CONFIGURATION, "settings", configuration={"a": 1}),))


@pytest.fixture
async def reading(database: Database) -> AsyncIterator[Database]:
    await database.open_reads()
    yield database
    await database.close_reads()


class Story:
    """A rollout to four devices: one is well, two fail, one has not been reached."""

    def __init__(self, database: Database) -> None:
        self.log, self.tenant = PostgresEventLog(database), uuid4()
        with acting(Cause(self.tenant, "key:me", "request:1", "1")):
            self.devices = [
                Device.register(uuid4(), uuid4(), Description(f"press-{n}", {}), {})
                for n in range(4)
            ]
            self.save(*self.devices)
            self.begin()
            self.updates = [
                Update.queue(self.rollout.id, one.id, 1, RELEASE.id) for one in self.devices
            ]
            self.save(*self.updates)
            self.go_wrong()

    def save(self, *aggregates: Aggregate) -> None:
        self.position = self.log.save(*aggregates)

    def begin(self) -> None:
        ids = tuple(one.id for one in self.devices)
        self.rollout = Rollout.draft(
            uuid4(), "digits 7", RELEASE, Target(device_ids=ids), Plan(), ""
        )
        self.rollout.approve("key:me", "0" * 64, (4,))
        self.rollout.prepared(None)
        self.rollout.start_wave(1)
        self.save(self.rollout)

    def go_wrong(self) -> None:
        for update in self.updates[:3]:
            with because_of(self.rollout.reference):
                update.offer(1, None, LATER)
            update.advance(1, Stage.INSTALLING, None)
        well, bad, worse, _ = self.updates
        self.ends(well, Outcome.CONFIRMED)
        self.ends(bad, Outcome.LOCAL_ROLLED_BACK, "GOLDEN_MISMATCH")
        self.ends(worse, Outcome.LOCAL_ROLLED_BACK, "GOLDEN_MISMATCH")
        tally = Tally(4, queued=1, confirmed=1, bad=2, not_taken_back=1)
        outcomes = (False, True, True)
        stop = stop_of(
            self.rollout, Standing(LATER, self.position, tally, tally, outcomes=outcomes)
        )
        assert stop is not None
        with because_of(worse.reference):
            self.rollout.start_rollback(*stop)
        self.save(self.rollout)
        with because_of(self.rollout.reference):
            well.revert(2, None, LATER)
        self.save(well)
        self.ends(well, Outcome.REVERTED)

    def ends(self, update: Update, outcome: Outcome, code: str | None = None) -> None:
        problem = "sample 0: wrong shape" if code else None
        update.settle(update.attempt, outcome, code, problem, None, attempts=1)
        self.save(update)

    async def told(self, database: Database, stream: UUID, kind: str) -> str:
        reads = PostgresReads(database).within(self.tenant)
        chain = await why(reads, Subject(kind, stream, stream), self.position)
        assert chain is not None
        return explanation(chain)


async def test_why_a_device_was_rolled_back_is_told_from_end_to_beginning(
    reading: Database,
) -> None:
    story = Story(reading)
    told = await story.told(reading, story.updates[0].id, "Update")
    for sentence in (
        "The device “press-0” is back to what it ran before.",
        "The device “press-0” was offered to go back to having nothing of any rollout, counter 2.",
        "The rollout “digits 7” was stopped and is taken back (the stop rule): 2 of 3 devices",
        "a healthy release would come to this in at most 5.0% of rollouts (e-value",
        "The device “press-2” found the release unwell and went back by itself (GOLDEN_MISMATCH)",
        "GOLDEN_MISMATCH): sample 0: wrong shape.",
        "The device “press-2” was offered the release, attempt 1, counter 1.",
        "Wave 1 of the rollout “digits 7” began with 4 devices.",
        "The key me drafted the rollout “digits 7” of CONFIGURATION “settings”, in 2 waves.",
    ):
        assert sentence in told, told


async def test_every_event_of_rollouts_has_words_of_its_own(reading: Database) -> None:
    story = Story(reading)
    rollout, update = story.rollout, story.updates[3]
    tally = Tally(4, confirmed=1, bad=2, not_taken_back=1)
    gates = (GateFinding(HealthMetric.MEMORY, None, None, 1, 0, 1.25, None),)
    evidence = Standing(LATER, 1, tally, tally, gates=gates).evidence(tally, StopRule())
    with acting(Cause(story.tenant, "key:me", "request:2", "2")):
        rollout.end_rollback(evidence)
        other = Rollout.draft(uuid4(), "next", RELEASE, rollout.target, Plan(), "")
        other.ask_approval()
        other.approve("key:me", "0" * 64, (4,))
        other.prepared(None)
        other.start_wave(1)
        other.start_soak(LATER)
        other.await_decision(evidence)
        other.pause(PauseReason.BY_HAND, "lunch")
        other.resume()
        other.promote(evidence)
        other.complete(evidence, LATER)
        other.start_rollback(PauseReason.BY_HAND)
        gone = Rollout.draft(uuid4(), "gone", RELEASE, rollout.target, Plan(), "")
        gone.abort("no more")
        update.force()
        update.advance(3, Stage.INSTALLING, None)
        update.offer(1, None, LATER)
        update.settle(1, Outcome.FAILED, "DISK_FULL", "no room", None, attempts=2, retryable=True)
        story.devices[3].assign_update(update.id, rollout.id)
        story.devices[3].clear_update(update.id, None)
        story.save(rollout, other, gone, update, story.devices[3])
        whole = Tally(4, reverted=4)
        back = Standing(LATER, 1, whole, whole).evidence(whole, StopRule())
        other.end_rollback(back)
        story.save(other)
    reads = PostgresReads(reading).within(story.tenant)
    rows = await reads.story(0, 10_000, None)
    say = Sentences(rows, {})
    told = {row.topic: say.of(row) for row in rows}
    ours = {topic: words for topic, words in told.items() if not topic.startswith("device.reg")}
    assert {topic for topic, words in ours.items() if "caused" in words} == set()
    assert all(len(words) <= LONGEST for words in ours.values())
    assert ours["rollout.rollback-left-incomplete"] == (
        "The rollout “digits 7” could not be taken back from 1 device: of 4 devices 1 confirmed, "
        "2 failed."
    )
    assert ours["rollout.decision-awaited"] == (
        "Wave 1 of the rollout “next” waits for a decision: of 4 devices 1 confirmed, 2 failed. "
        "Memory of the agent: too few devices have reported (1 with the release, 0 without it)."
    )
    assert ours["rollout.aborted"] == (
        "The key me aborted the rollout “gone”; what is installed stays: no more."
    )


def test_a_past_rollout_is_read_from_its_updates_and_judged_anew(database: Database) -> None:
    story = Story(database)
    with acting(Cause(story.tenant, "key:me", "request:2", "2")):
        streams = [story.log.stream(update.id) for update in story.updates]
    recorded = sorted((one for stream in streams for one in stream), key=lambda one: one.position)
    past = past_of(recorded)
    assert [(one.bad, one.offered) for one in past] == [(False, 1), (True, 2), (True, 3)]
    found = replay(StopRule(healthy_rate=0.3), past)
    assert not found.finding.stops
    assert (found.outcomes, found.failures, found.exposed) == (3, 2, 3)
    assert replay(StopRule(), past).stops_at == past[2].at
