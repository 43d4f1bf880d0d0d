"""A fleet for benchmarks of rollouts: devices that joined and are online by their events and
sessions alone, a projector and a worker as processes of their own, and commands given here."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psutil  # type: ignore[import-untyped]

from application.commands.command import Request
from application.commands.rollout import draft_rollout, start_rollout
from application.commands.rollout_order import ComponentOrder, ReleaseOrder
from benchmarks.installation import temporary_installation
from benchmarks.processes import Edgewise, free_port
from domain.cause import Cause, acting
from domain.device import Device
from domain.device_certificate import Certificate
from domain.device_description import Description
from domain.principal import system
from domain.release import ComponentKind
from domain.rollout_plan import Plan, Target
from interfaces.bootstrap import Installation

PATIENCE = 600.0
AT_ONCE = 200
_ONLINE = """
INSERT INTO device_sessions (device_id, tenant_id, boot_id, seen_at)
SELECT id, tenant_id, gen_random_uuid(), clock_timestamp() FROM devices
"""


@dataclass
class Fleet:
    installation: Installation
    tenant: UUID
    devices: list[UUID]
    worker: psutil.Process
    projector: psutil.Process

    @property
    def request(self) -> Request:
        return Request(system(self.tenant))

    def rollout(self, devices: list[UUID], plan: Plan, settings: dict[str, Any]) -> UUID:
        """Started; what it does next, the worker does."""
        order = ComponentOrder(ComponentKind.CONFIGURATION, configuration=settings)
        platform = self.installation.platform
        id = draft_rollout(
            platform,
            self.request,
            name="benchmark",
            release=ReleaseOrder((order,)),
            target=Target(device_ids=tuple(devices)),
            plan=plan,
        ).id
        start_rollout(platform, self.request, rollout_id=id)
        return id

    def ask(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with self.installation.database.system() as connection:
            return connection.execute(statement.encode(), values).fetchall()


@contextmanager
def fleet(count: int) -> Iterator[Fleet]:
    with temporary_installation() as (installation, _):
        home = installation.settings.home
        processes = Edgewise(home, free_port(), {"DATABASE_URL": installation.owner_url})
        try:
            projector = processes.start("projector")
            tenant = uuid4()
            devices = _join(installation, tenant, count)
            made = Fleet(
                installation, tenant, devices, psutil.Process(), psutil.Process(projector.pid)
            )
            wait_for(lambda: made.ask("SELECT count(*) AS n FROM devices")[0]["n"] == count)
            with installation.database.system() as connection:
                connection.execute(_ONLINE)
            made.worker = psutil.Process(processes.start("worker").pid)
            wait_for(lambda: made.ask("SELECT 1 FROM workers"))
            yield made
        finally:
            processes.stop()


def wait_for(look: Callable[[], object], every: float = 0.05) -> None:
    until = time.monotonic() + PATIENCE
    while not look():
        if time.monotonic() > until:
            raise TimeoutError("what a benchmark waits for does not come")
        time.sleep(every)


def _join(installation: Installation, tenant: UUID, count: int) -> list[UUID]:
    log, ids = installation.platform.log, [uuid4() for _ in range(count)]
    ends = installation.platform.now() + timedelta(days=365)
    with acting(Cause(tenant, "system", "benchmark", "benchmark")):
        for begin in range(0, count, AT_ONCE):
            made = []
            for id in ids[begin : begin + AT_ONCE]:
                device = Device.register(id, uuid4(), Description(f"d-{id}", {}), {})
                device.certify(Certificate(id.hex, "ab" * 32, ends))
                made.append(device)
            log.save(*made)
    return ids
