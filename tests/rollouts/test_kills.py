"""Whoever carries a rollout on may be killed in the middle of a wave: no device is lost, and none
is offered the release twice."""

import random
import subprocess
import sys
import time
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from application.commands.rollout import draft_rollout, start_rollout
from domain.device import Device
from domain.device_certificate import Certificate
from domain.device_description import Description
from domain.device_query import DeviceQuery
from domain.rollout_plan import Plan, Target, Wave
from tests.patience import eventually
from tests.rollouts.conftest import RolloutWorld, configuration

pytestmark = pytest.mark.slow

DEVICES, FIRST_WAVE, MOST_KILLS = 600, 400, 8
_ONLINE = """
INSERT INTO device_sessions (device_id, tenant_id, boot_id, seen_at)
SELECT id, tenant_id, gen_random_uuid(), clock_timestamp() FROM devices
"""
_OFFERED = "SELECT count(*) AS n FROM updates WHERE state = 'OFFERED'"
_OFFERS = """
SELECT originator_id, count(*) AS n,
       max((convert_from(state, 'UTF8')::jsonb ->> 'counter')::int) AS counter
FROM events WHERE topic = %s GROUP BY 1
"""


def test_a_worker_killed_in_the_middle_of_a_wave_loses_and_repeats_nothing(
    fleet: RolloutWorld,
) -> None:
    join_many(fleet)
    id = draft_rollout(
        fleet.platform,
        fleet.request(),
        name="summer",
        release=configuration(rate=1),
        target=Target(query=DeviceQuery()),
        plan=Plan(waves=(Wave(count=FIRST_WAVE), Wave(share=1.0))),
    ).id
    start_rollout(fleet.platform, fleet.request(), rollout_id=id)
    kills, chance = 0, random.Random(6)
    while offered(fleet) < FIRST_WAVE:
        with acting_process(fleet) as process:
            before = offered(fleet)
            more = chance.randrange(20, 90) if kills < MOST_KILLS else FIRST_WAVE
            await_offers(fleet, min(FIRST_WAVE, before + more))
            time.sleep(chance.uniform(0, 0.05))  # anywhere in an act
            process.kill()
            process.wait()
            kills += 1
    assert kills > 2
    # What the last one was at is done, too: the slots are those of the offers.
    eventually(lambda: lease_is_free(fleet))
    fleet.wake(id)
    offers = fleet.ask(_OFFERS, "update.offered")
    assert len(offers) == FIRST_WAVE
    assert {(row["n"], row["counter"]) for row in offers} == {(1, 1)}
    slots = fleet.ask(_OFFERS, "device.update-assigned")
    assert len(slots) == FIRST_WAVE
    assert {(row["n"], row["counter"]) for row in slots} == {(1, 1)}
    (queued,) = fleet.ask("SELECT count(*) AS n, count(DISTINCT device_id) AS d FROM updates")
    assert queued == {"n": DEVICES, "d": DEVICES}


def await_offers(fleet: RolloutWorld, count: int) -> None:
    eventually(lambda: offered(fleet) >= count)


def offered(fleet: RolloutWorld) -> int:
    return int(fleet.ask(_OFFERED)[0]["n"])


def lease_is_free(fleet: RolloutWorld) -> bool:
    return not fleet.ask("SELECT 1 FROM job_leases WHERE expires_at > clock_timestamp()")


def acting_process(fleet: RolloutWorld) -> "subprocess.Popen[bytes]":
    database = fleet.database
    return subprocess.Popen(
        [
            sys.executable, "-m", "tests.rollouts.acting_process",
            database.app_url, database.system_url, str(fleet.tenant),
        ]
    )  # fmt: skip


def join_many(fleet: RolloutWorld) -> list[UUID]:
    ends = fleet.platform.now() + timedelta(days=1)
    made = []
    for number in range(DEVICES):
        device = Device.register(uuid4(), uuid4(), Description(f"d{number}", {}), {})
        device.certify(Certificate(device.id.hex, "ab" * 32, ends))
        made.append(device)
    fleet.platform.log.save(*made)
    fleet.catch_up()
    with fleet.database.system() as connection:
        connection.execute(_ONLINE)
    return [UUID(str(one.id)) for one in made]
