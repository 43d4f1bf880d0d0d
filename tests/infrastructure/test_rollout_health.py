"""What devices measured, with a release and without it, as health gates ask for it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from application.ports.rollout_health import Period
from application.views.registry import VIEWS
from domain.cause import Cause, acting
from domain.device import Device
from domain.device_certificate import Certificate
from domain.device_description import Description
from domain.release import Component, ComponentKind, Release
from domain.rollout import Rollout
from domain.rollout_plan import HealthMetric, Plan, Target
from domain.update import Update
from domain.update_state import Outcome
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.following.follower import Follower
from infrastructure.following.projection import Projection
from infrastructure.postgres.database import Database
from infrastructure.postgres.rollout_health import LOOK_BACK, PostgresRolloutHealth

MINUTE = timedelta(minutes=1)
RELEASE = Release((Component(ComponentKind.CONFIGURATION, "settings", configuration={"a": 1}),))
INSERT = """
INSERT INTO telemetry (tenant_id, device_id, log_id, number, topic, kind, at, body)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
HEARD = """
INSERT INTO device_sessions (device_id, tenant_id, boot_id, seen_at) VALUES (%s, %s, %s, %s)
"""


@dataclass
class Fleet:
    """A tenant, and what its devices told."""

    database: Database
    log: PostgresEventLog
    tenant: UUID
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    told: int = 0

    @property
    def health(self) -> PostgresRolloutHealth:
        return PostgresRolloutHealth(self.database)

    def device(self) -> UUID:
        device = Device.register(uuid4(), uuid4(), Description(f"d{uuid4()}", {}), {})
        device.certify(Certificate("1", "k", self.now + timedelta(days=9)))
        self.log.save(device)
        return device.id

    def tells(self, device: UUID, kind: str, minutes: float, **body: Any) -> None:
        """So many minutes from now."""
        self.told += 1
        topic = "telemetry/sys" if kind == "sample" else "telemetry/model"
        at = self.now + minutes * MINUTE
        values = (self.tenant, device, device, self.told, topic, kind, at, Jsonb(body))
        with self.database.tenant(self.tenant) as connection:
            connection.execute(INSERT, values)

    def infers(self, device: UUID, minutes: float, model: str = "m", **body: Any) -> None:
        given = {"count": 100, "failed": 0, "p95_ms": 10.0, **body}
        self.tells(device, "inference", minutes, model=model, **given)

    def around(self, device: UUID) -> Period:
        """The hour around now."""
        return Period(device, self.now - 30 * MINUTE, self.now + 30 * MINUTE)

    def measured(
        self, metric: HealthMetric, *devices: UUID, model: str | None = None
    ) -> dict[UUID, float]:
        periods = [self.around(device) for device in devices]
        return dict(self.health.measured(self.tenant, metric, periods, model))

    def rollout(self, devices: list[UUID]) -> tuple[Rollout, list[Update]]:
        """Under way, its first wave queued."""
        rollout = Rollout.draft(
            uuid4(), "new", RELEASE, Target(device_ids=tuple(devices)), Plan(), ""
        )
        rollout.approve("key:test", "0" * 64, (len(devices),))
        rollout.prepared(None)
        rollout.start_wave(1)
        updates = [Update.queue(rollout.id, one, 1, rollout.release.id) for one in devices]
        self.log.save(rollout, *updates)
        return rollout, updates

    def show(self) -> None:
        """Every view shows all that happened."""
        for view in VIEWS:
            follower = Follower(self.database, Projection(view), TypedMapper())
            follower.step()
            while follower.step():
                pass


@pytest.fixture
def fleet(database: Database, event_log: PostgresEventLog) -> Iterator[Fleet]:
    tenant = uuid4()
    with acting(Cause(tenant, "key:test", "request:1", "1")):
        yield Fleet(database, event_log, tenant)


def test_the_latency_of_a_device_is_the_median_of_its_windows(fleet: Fleet) -> None:
    one, other, silent = fleet.device(), fleet.device(), fleet.device()
    for minutes, p95 in ((0, 10.0), (1, 30.0), (2, 14.0), (3, None)):
        fleet.infers(one, minutes, p95_ms=p95)
    fleet.infers(other, 0, p95_ms=7)
    found = fleet.measured(HealthMetric.LATENCY, one, other, silent)
    assert found == {one: 14.0, other: 7.0}


def test_only_the_period_and_only_the_model_count(fleet: Fleet) -> None:
    device = fleet.device()
    fleet.infers(device, -31, p95_ms=500.0)
    fleet.infers(device, 31, p95_ms=500.0)
    fleet.infers(device, 0, p95_ms=90.0, model="old")
    fleet.infers(device, 1, p95_ms=8.0)
    assert fleet.measured(HealthMetric.LATENCY, device, model="m") == {device: 8.0}
    assert fleet.measured(HealthMetric.LATENCY, device) == {device: 49.0}


def test_errors_are_a_share_of_all_inferences_and_silence_is_no_health(fleet: Fleet) -> None:
    device, idle = fleet.device(), fleet.device()
    fleet.infers(device, 0, count=90, failed=0)
    fleet.infers(device, 1, count=0, failed=10, p95_ms=None)
    fleet.infers(idle, 0, count=0, failed=0)
    assert fleet.measured(HealthMetric.ERROR_RATE, device, idle) == {device: 0.1}


def test_memory_is_the_agents_median(fleet: Fleet) -> None:
    device = fleet.device()
    for minutes, held in ((0, 50e6), (1, 40e6), (2, 90e6)):
        fleet.tells(device, "sample", minutes, agent_rss_bytes=held, load1=0.1)
    fleet.infers(device, 0, agent_rss_bytes=1)
    assert fleet.measured(HealthMetric.MEMORY, device) == {device: 50e6}


def test_what_is_no_number_that_it_could_be_is_passed_over(fleet: Fleet) -> None:
    device = fleet.device()
    for odd in ("12", [1], True, -5, 10**400, {"a": 1}):
        fleet.infers(device, 0, p95_ms=odd, failed=odd, count=odd)
        fleet.tells(device, "sample", 0, agent_rss_bytes=odd)
    for metric in (HealthMetric.LATENCY, HealthMetric.ERROR_RATE, HealthMetric.MEMORY):
        assert fleet.measured(metric, device) == {}


def test_each_boot_is_one_start_however_often_it_is_heard_of(fleet: Fleet) -> None:
    device, calm, silent = fleet.device(), fleet.device(), fleet.device()
    boots = [uuid4() for _ in range(3)]
    for boot in (boots[0], boots[1], boots[2], boots[1]):
        found = fleet.log.find(Device, device)
        assert found is not None
        found.come_online(boot, None, None)
        fleet.log.save(found)
    with fleet.database.system() as connection:
        for one in (device, calm):
            connection.execute(HEARD, (one, fleet.tenant, boots[0], fleet.now + MINUTE))
    assert fleet.measured(HealthMetric.CRASH_RATE, device, calm, silent) == {device: 3.0, calm: 0.0}


def test_another_tenants_devices_are_not_looked_at(fleet: Fleet) -> None:
    device = fleet.device()
    fleet.infers(device, 0)
    periods = [fleet.around(device)]
    assert fleet.health.measured(uuid4(), HealthMetric.LATENCY, periods) == {}


def test_who_is_on_which_side_is_told_by_the_updates(fleet: Fleet) -> None:
    devices = [fleet.device() for _ in range(4)]
    rollout, (good, bad, under_way, _) = fleet.rollout(devices)
    for update in (good, bad, under_way):
        update.offer(1, None, fleet.now + 60 * MINUTE)
    good.settle(1, Outcome.CONFIRMED, None, None, rollout.release.id, attempts=1)
    bad.settle(1, Outcome.FAILED, None, None, None, attempts=1)
    fleet.log.save(good, bad, under_way)
    fleet.show()
    found = fleet.health.periods(fleet.tenant, rollout.id)
    assert [one.device_id for one in found.new] == [devices[0]]
    assert [one.device_id for one in found.old] == [devices[3]]
    assert {one.device_id for one in found.before} == set(devices[:3])
    assert all(one.until - one.since == LOOK_BACK for one in found.before)
    assert found.new[0].since < found.new[0].until
    assert found.old[0].until - found.old[0].since > LOOK_BACK
    assert fleet.health.periods(uuid4(), rollout.id).new == []
