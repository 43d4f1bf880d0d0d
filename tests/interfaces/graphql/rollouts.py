"""Rollouts for tests of GraphQL: carried on as a worker does, with devices that report as the
gateway hears them."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import anyio.to_thread

from application.commands.command import Request
from application.commands.update_reports import report_update
from application.ports.device_sessions import Session
from application.rollouts.advancing import advance_rollout
from application.rollouts.health_gates import HealthGates
from application.rollouts.reference import golden_of
from application.rollouts.worker import RolloutWorker
from application.views.rollout_wakes import KIND
from domain.cause import Cause, acting
from domain.principal import device as device_principal
from domain.update import Update, update_id
from edge.protocol.updates import Problem, Report, Reported
from infrastructure.postgres.device_sessions import PostgresDeviceSessions
from infrastructure.postgres.leases import PostgresLeases
from infrastructure.postgres.rollout_health import PostgresRolloutHealth
from interfaces.graphql.node import parsed_any_id
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.devices import VIEWS, Speaking, device
from tests.interfaces.graphql.world import World
from tests.patience import PATIENCE

SHOWN = (*VIEWS, "rollouts", "updates", "rollout_wakes")
SETTINGS: dict[str, Any] = {
    "components": [{"kind": "CONFIGURATION", "configuration": {"threshold": 0.5}}]
}
NOW: dict[str, Any] = {"soakSeconds": 0, "stopRule": {"kind": "PERCENTAGE", "minCount": 100}}
"""A plan that waits for nothing and is stopped by nothing."""
FIELDS = """id name status reason message author wave phase waveSizes approvedBy releaseId release
  target plan updateCounts { state count } waves { wave devices phase promotedBy }
  evidence { tally { devices confirmed bad queued } rule { kind outcomes failures stops } }
  updates(first: 20) { nodes { id deviceId wave state attempt forced problem release } }"""
DRAFT = f"""mutation ($name: String!, $release: ReleaseInput!, $target: RolloutTargetInput!,
                      $plan: RolloutPlanInput, $key: String) {{
  rolloutDraft(name: $name, release: $release, target: $target, plan: $plan, idempotencyKey: $key)
  {{ rollout {{ {FIELDS} }} eventPosition userErrors {{ field message code }} }} }}"""
ROLLOUT = f"""query ($id: ID!, $at: Moment, $p: BigInt) {{
  rollout(id: $id, asOf: $at, waitFor: $p) {{ {FIELDS} }} }}"""


def act(mutation: str, given: str = "", declared: str = "") -> str:
    """A mutation on one rollout."""
    return f"""mutation ($id: ID!{declared}) {{ {mutation}(rolloutId: $id{given}) {{
      rollout {{ {FIELDS} }} eventPosition userErrors {{ field message code }} }} }}"""


APPROVE, ASK = act("rolloutApprove"), act("rolloutAskApproval")
PAUSE = act("rolloutPause", ", message: $m", ", $m: String")
RESUME, PROMOTE = act("rolloutResume"), act("rolloutPromote")
ABORT = act("rolloutAbort", ", revert: $revert", ", $revert: Boolean!")
RETRY = act("rolloutRetry", ", deviceIds: $d", ", $d: [ID!]")
FORCE = act("rolloutForce", ", deviceId: $d", ", $d: ID!")


async def draft(client: Client, plan: dict[str, Any] | None = None, **target: Any) -> Any:
    """A draft of settings for all devices, or those of the target."""
    payload = await client.data(
        DRAFT,
        name="settings",
        release=SETTINGS,
        target=target or {"query": {}},
        plan=NOW if plan is None else {**NOW, **plan},
    )
    assert not payload["userErrors"], payload
    return payload["rollout"]


async def done(client: Client, document: str, **variables: Any) -> Any:
    """The rollout after a mutation that is not refused."""
    payload = await client.data(document, **variables)
    assert not payload["userErrors"], payload
    return payload["rollout"]


def states(rollout: Any) -> dict[str, int]:
    return {one["state"]: one["count"] for one in rollout["updateCounts"]}


def update_of(rollout: Any, state: str) -> Any:
    """The first update in that state."""
    return next(one for one in rollout["updates"]["nodes"] if one["state"] == state)


class Carrying:
    """What a worker does for rollouts of a tenant, and what its devices say."""

    def __init__(self, world: World, client: Client) -> None:
        self._client, self._platform = client, world.context.platform
        leases = PostgresLeases(world.database, {KIND: 64})
        self._sessions = PostgresDeviceSessions(world.database)
        gates = HealthGates(PostgresRolloutHealth(world.database))
        self._worker = RolloutWorker(self._platform, leases, golden_of, gates, "test")

    async def online(self, *names: str) -> dict[str, str]:
        """The ids of new devices, which are connected, by their names."""
        ids = {}
        for name in names:
            ids[name] = await device(self._client, name)
            speaking = Speaking(self._client, ids[name])
            await speaking.online()
            session = Session(self._client.tenant_id, speaking.id, speaking.boot)
            await anyio.to_thread.run_sync(self._sessions.began, session)
        return ids

    async def until(self, rollout: str, look: Callable[[Any], bool]) -> Any:
        """The rollout, carried on until it looks so."""
        deadline = time.monotonic() + PATIENCE
        while True:
            await self._shown()
            await anyio.to_thread.run_sync(
                advance_rollout, self._worker, self._client.tenant_id, _uuid(rollout)
            )
            await self._shown()
            found = await self._client.data(ROLLOUT, id=rollout)
            if look(found):
                return found
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)

    async def until_status(self, rollout: str, status: str) -> Any:
        return await self.until(rollout, lambda found: found["status"] == status)

    async def until_state(self, rollout: str, state: str, count: int = 1) -> Any:
        return await self.until(rollout, lambda found: states(found).get(state) == count)

    async def say(
        self, rollout: str, device: str, state: Reported, problem: Problem | None = None
    ) -> None:
        """What a device reports of the offer that it has now."""
        rollout_id, device_id = _uuid(rollout), _uuid(device)

        def report() -> None:
            wanted = update_id(rollout_id, device_id)
            with acting(Cause(self._client.tenant_id, "test", "test", "test")):
                update = self._platform.log.find(Update, wanted)
            assert update is not None
            said = Report(update.attempt, update.counter, state, update.release_id, problem)
            request = Request(device_principal(self._client.tenant_id, device_id))
            report_update(self._platform, request, update_id=wanted, report=said)

        await anyio.to_thread.run_sync(report)
        await self._shown()

    async def _shown(self) -> None:
        context = self._client.context
        for followers in (("policy:slots",), SHOWN):
            await context.waiter.reached(await context.present.reads.head(), followers)


def _uuid(id: str) -> UUID:
    return parsed_any_id(id, "id")[1]
