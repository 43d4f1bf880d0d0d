"""Rollouts are read alike from PostgreSQL's tables and from the log; and what they keep besides."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from application.pasts import Pasts, TenantPast
from application.ports.reads import EVERYTHING, Paging, Rows
from application.views.device import DeviceRow
from application.views.rollout import RolloutRow, RolloutWaveRow
from application.views.update import UpdateRow
from domain.device import Device
from domain.rollout import Rollout
from domain.rollout_plan import OnStop, Plan
from infrastructure.postgres.reads import PostgresReads
from tests.rollouts.conftest import ONE_BY_ONE, RolloutWorld

SHOWN: tuple[type[Any], ...] = (RolloutRow, RolloutWaveRow, UpdateRow, DeviceRow)


def test_a_rollouts_end_is_shown_from_the_log_as_from_the_tables(fleet: RolloutWorld) -> None:
    devices = fleet.devices(4)
    fleet.started(devices, Plan(waves=ONE_BY_ONE, soak_seconds=0.0, on_stop=OnStop.REVERT))
    (canary,) = [one for one in devices if one.asks() is not None]
    canary.installs()
    fleet.settle()
    for one in devices:
        if one is not canary:
            one.fails()
    fleet.settle()
    canary.goes_back()
    fleet.settle()
    (head,) = fleet.ask("SELECT max(position) AS position FROM events")
    asyncio.run(shown_alike(fleet, head["position"]))


async def shown_alike(fleet: RolloutWorld, position: int) -> None:
    await fleet.database.open_reads()
    try:
        reads = PostgresReads(fleet.database).within(fleet.tenant)
        live = await rows_of(reads)
        assert len(live[2].rows) == 4
        assert await rows_of(TenantPast(Pasts(), reads, fleet.tenant, position)) == live
    finally:
        await fleet.database.close_reads()


async def rows_of(rows: Rows) -> list[Any]:
    return [await rows.page(one, EVERYTHING, Paging(100)) for one in SHOWN]


def test_a_list_of_devices_is_found_by_what_is_in_it_and_in_its_tenant_alone(
    fleet: RolloutWorld,
) -> None:
    members, ids = fleet.platform.fleet.members, [uuid4() for _ in range(5)]
    digest = members.keep(fleet.tenant, ids)
    assert members.keep(fleet.tenant, reversed(ids)) == digest  # type: ignore[arg-type]
    assert members.find(fleet.tenant, digest) == tuple(sorted(ids))
    with pytest.raises(LookupError):
        members.find(uuid4(), digest)


def test_many_are_found_at_once_as_one_by_one(fleet: RolloutWorld) -> None:
    devices = fleet.devices(2)
    for _ in range(120):  # beyond a snapshot
        devices[0].boot_id = uuid4()
        devices[0].is_born()
    ids = [one.address.device for one in devices]
    log = fleet.platform.log
    found = log.find_all(Device, [*ids, uuid4()])
    assert {id: one.version for id, one in found.items()} == {
        id: log.find(Device, id).version
        for id in ids  # type: ignore[union-attr]
    }
    assert found[ids[0]].boot_id == devices[0].boot_id
    assert log.find_all(Rollout, ids) == {}
