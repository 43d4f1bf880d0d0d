"""A fleet without a broker: a projector that runs, and a worker that acts when it is asked."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from application.commands.rollout import draft_rollout, start_rollout
from application.commands.rollout_order import ComponentOrder, ReleaseOrder
from application.policies.registry import POLICIES
from application.rollouts.advancing import advance_rollout
from application.rollouts.health_gates import HealthGates
from application.rollouts.reference import golden_of
from application.rollouts.worker import RolloutWorker
from application.views.registry import VIEWS
from domain.cause import Cause, acting
from domain.release import ComponentKind
from domain.rollout import Rollout
from domain.rollout_plan import Plan, Target, Wave
from domain.update import Update, update_id
from edge.protocol import signed
from edge.protocol.topics import Said
from edge.protocol.updates import Offer, Problem, Report, Reported
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.following.follower import Follower
from infrastructure.following.passing import Passing
from infrastructure.following.policy import Reacting
from infrastructure.following.projection import Projection
from infrastructure.postgres.leases import PostgresLeases
from infrastructure.postgres.rollout_health import PostgresRolloutHealth
from infrastructure.postgres.rollouts import rollouts_in
from tests.application.conftest import platform as platform
from tests.application.conftest import tenant as tenant
from tests.gateway.conftest import Talking, World
from tests.gateway.conftest import world as world
from tests.patience import PATIENCE

ONE_BY_ONE = (Wave(count=1), Wave(share=1.0))
QUICK = Plan(waves=(Wave(share=1.0),), soak_seconds=0.0)

_DUE = """
SELECT dedupe_key::uuid AS id FROM outbox
WHERE kind = 'rollout' AND available_at <= clock_timestamp() ORDER BY available_at
"""
_BEHIND = """
SELECT 1 FROM followers WHERE position < (SELECT coalesce(max(position), 0) FROM events)
"""


@dataclass
class RolloutWorld(World):
    """Its projector runs, so that to catch up is to wait."""

    worker: RolloutWorker = field(init=False)

    def catch_up(self) -> None:
        until = time.monotonic() + PATIENCE
        while self.ask(_BEHIND):
            assert time.monotonic() < until, "the followers do not catch up"
            time.sleep(0.01)

    def ask(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with self.database.system() as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def devices(self, many: int) -> list["Updating"]:
        """Joined and online."""
        found = []
        for _ in range(many):
            talking = self.joined()
            talking.is_born()
            found.append(
                Updating(**{one.name: getattr(talking, one.name) for one in fields(talking)})
            )
        self.catch_up()
        return found

    def drafted(
        self,
        devices: Sequence[Talking],
        plan: Plan = QUICK,
        settings: dict[str, Any] | None = None,
        key: str | None = None,
    ) -> UUID:
        return draft_rollout(
            self.platform,
            self.request(key),
            name="summer",
            release=configuration(**(settings or {"rate": 1})),
            target=Target(device_ids=tuple(one.address.device for one in devices)),
            plan=plan,
        ).id

    def started(
        self,
        devices: Sequence[Talking],
        plan: Plan = QUICK,
        settings: dict[str, Any] | None = None,
    ) -> UUID:
        """Under way, with its first offers out."""
        id = self.drafted(devices, plan, settings)
        start_rollout(self.platform, self.request(), rollout_id=id)
        self.settle()
        return id

    def settle(self) -> None:
        """Whatever a rollout has to do now is done."""
        until = time.monotonic() + PATIENCE
        while True:
            self.catch_up()
            due = self.ask(_DUE)
            if not due:
                return
            assert time.monotonic() < until, "rollouts find no end"
            for row in due:
                advance_rollout(self.worker, self.tenant, row["id"])

    def wake(self, rollout_id: UUID) -> None:
        """As if the time that it sleeps for was over."""
        with self.database.system() as connection:
            connection.execute(
                "UPDATE outbox SET available_at = clock_timestamp() WHERE dedupe_key = %s",
                (str(rollout_id),),
            )
        self.settle()

    def rollout(self, id: UUID) -> Rollout:
        with acting(Cause(self.tenant, "test", "test", "test")):
            found = self.platform.log.find(Rollout, id)
        assert found is not None
        return found

    def update(self, rollout_id: UUID, device: Talking) -> Update:
        with acting(Cause(self.tenant, "test", "test", "test")):
            found = self.platform.log.find(Update, update_id(rollout_id, device.address.device))
        assert found is not None
        return found

    def topics(self, stream: UUID) -> list[str]:
        with acting(Cause(self.tenant, "test", "test", "test")):
            return [one.event.TOPIC for one in self.platform.log.stream(stream)]


@dataclass
class Updating(Talking):
    """A device that obeys, or not."""

    runs: str | None = None

    def asks(self) -> Offer | None:
        """For its one current offer, saying what it runs."""
        ((topic, body),) = self.says(Said.UPDATE_WANTED, {"counter": 0, "release": self.runs})
        assert topic == "update/notify"
        if body["statement"] is None:
            return None
        key = load_pem_public_key(self.world.authority.statement_public_key().encode())
        return Offer.of(signed.opened(signed.OFFER, body["statement"], key))  # type: ignore[arg-type]

    def offered(self) -> Offer:
        offer = self.asks()
        assert offer is not None
        return offer

    def reports(
        self,
        offer: Offer,
        state: Reported,
        problem: Problem | None = None,
        *,
        retryable: bool = False,
        findings: dict[str, Any] | None = None,
    ) -> None:
        report = Report(
            offer.attempt, offer.counter, state, self.runs, problem, None, retryable, findings
        )
        self.says(Said.UPDATE_STATUS, report.body(), offer.update)

    def installs(self) -> Offer:
        """What it is offered; and says so."""
        offer = self.offered()
        for state in (Reported.ACCEPTED, Reported.DOWNLOADING, Reported.INSTALLING):
            self.reports(offer, state)
        self.runs = offer.release
        self.reports(offer, Reported.CONFIRMED)
        return offer

    def fails(self, problem: Problem = Problem.LOAD_FAILED) -> Offer:
        """Goes back by itself."""
        offer = self.offered()
        self.reports(offer, Reported.INSTALLING)
        self.reports(offer, Reported.LOCAL_ROLLED_BACK, problem)
        return offer

    def goes_back(self) -> Offer:
        offer = self.offered()
        assert offer.action == "REVERT"
        self.runs = offer.release
        self.reports(offer, Reported.REVERTED)
        return offer


def configuration(**settings: Any) -> ReleaseOrder:
    """A release that is settings alone."""
    return ReleaseOrder((ComponentOrder(ComponentKind.CONFIGURATION, configuration=settings),))


@pytest.fixture
def fleet(world: World) -> Iterator[RolloutWorld]:
    platform = replace(world.platform, rollouts=rollouts_in(world.database))
    world.platform = platform
    for part in (world.hearing, world.delivering):
        part._platform = platform
    given = {one.name: getattr(world, one.name) for one in fields(World)}
    fleet = RolloutWorld(**given)
    fleet.worker = RolloutWorker(
        platform,
        PostgresLeases(world.database, {"rollout": 8}),
        golden_of,
        HealthGates(PostgresRolloutHealth(world.database)),
        "test",
    )
    handlings = [*map(Projection, VIEWS), *(Reacting(one, platform) for one in POLICIES)]
    followers = [Follower(world.database, one, TypedMapper(), 0.02) for one in handlings]
    passing = Passing(world.database, followers, 0.02)
    for looping in (*followers, passing):
        looping.start()
    yield fleet
    for looping in (*followers, passing):
        looping.close()
