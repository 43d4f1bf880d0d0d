"""Random lives of devices: they join, come and go, report late and twice, obey or not, and end."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from application.ports.event_log import EventLog
from domain.cause import Cause, acting
from domain.device import Device
from domain.device_certificate import Certificate
from domain.device_claim import DeviceClaim
from domain.device_command import CommandStatus
from domain.device_description import Description
from domain.device_group import DeviceGroup
from domain.device_presence import OfflineReason
from domain.device_query import DeviceQuery
from domain.refusal import Refusal

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SITES = ("berlin", "paris", "rome")


class DeviceHistory:
    """A tenant whose devices live; `positions` are those after each act."""

    def __init__(self, log: EventLog) -> None:
        self.log, self.tenant_id = log, uuid4()
        self.positions: list[int] = []
        self._devices: list[UUID] = []
        self._claims: list[UUID] = []
        self._groups: list[UUID] = []
        self._boots: list[UUID] = [uuid4()]
        self._claim(0, 1)
        self._join(0, 1)

    def happen(self, step: tuple[int, int, int]) -> None:
        """One act, saved, unless it is refused."""
        which, one, other = step
        acts: list[Callable[[int, int], None]] = [
            self._claim, self._join, self._withdraw, self._describe, self._birth, self._death,
            self._desire, self._report, self._send, self._answer, self._revoke, self._group,
            self._end,
        ]  # fmt: skip
        try:
            acts[which](one, other)
        except Refusal:
            pass

    def _save(self, *made: Any) -> None:
        self.positions.append(self.log.save(*made))

    def _new(self, make: Callable[[], Any]) -> UUID:
        with acting(Cause(self.tenant_id, "key:test", "request:1", "1")):
            made = make()
            self._save(made)
            return UUID(str(made.id))

    def _change(self, kind: Any, ids: list[UUID], one: int, change: Callable[[Any], Any]) -> None:
        with acting(Cause(self.tenant_id, "key:test", "request:1", "1")):
            found = self.log.find(kind, ids[one % len(ids)]) if ids else None
            if found is not None:
                change(found)
                self._save(found)

    def _claim(self, one: int, other: int) -> None:
        ends = NOON + timedelta(days=other)
        labels = {"site": SITES[one % 3]}
        self._claims.append(self._new(
            lambda: DeviceClaim.issue(uuid4(), uuid4().hex, ends, labels, None, None, "")
        ))  # fmt: skip

    def _join(self, one: int, other: int) -> None:
        self._change(DeviceClaim, self._claims, one, lambda claim: claim.use("ab" * 32, NOON))
        labels = {"site": SITES[one % 3], "floor": str(other)}
        described = Description(f"d{len(self._devices)}", labels, "hall" if other else None)

        def join() -> Device:
            device = Device.register(uuid4(), self._claims[one % len(self._claims)], described, {})
            device.certify(Certificate(uuid4().hex, "ab" * 32, NOON + timedelta(days=9_000)))
            return device

        self._devices.append(self._new(join))

    def _withdraw(self, one: int, _other: int) -> None:
        self._change(DeviceClaim, self._claims, one, lambda claim: claim.withdraw())

    def _describe(self, one: int, other: int) -> None:
        described = Description(f"n{other}", {"site": SITES[other % 3]}, "cellar", uuid4())
        self._on(one, lambda device: device.describe(described))

    def _birth(self, one: int, other: int) -> None:
        if other == 0:
            self._boots.append(uuid4())
        boot, facts = self._boots[other % len(self._boots)], {"note": "a\0b", "n": other}
        self._on(one, lambda device: device.come_online(boot, "0.1", facts if other % 2 else None))

    def _death(self, one: int, other: int) -> None:
        boot = self._boots[other % len(self._boots)]
        self._on(one, lambda device: device.go_offline(boot, list(OfflineReason)[other % 3]))

    def _desire(self, one: int, other: int) -> None:
        self._on(one, lambda device: device.desire({"a": {"n": other}, "\0": None}, None))

    def _report(self, one: int, other: int) -> None:
        self._on(one, lambda device: device.report(other + 1, {"a": {"n": one}, "nul": "\0"}))

    def _send(self, one: int, other: int) -> None:
        self._on(one, lambda d: d.send_command(uuid4(), "PING", {}, NOON + timedelta(days=other)))

    def _answer(self, one: int, other: int) -> None:
        def answer(device: Device) -> None:
            for command in list(device.commands.values())[:1]:
                if other == 0:
                    device.expire_command(command.id, NOON + timedelta(days=99))
                else:
                    status = list(CommandStatus)[1 + other % 3]
                    device.answer_command(command.id, status, {"n": other}, None)

        self._on(one, answer)

    def _revoke(self, one: int, other: int) -> None:
        self._on(one, lambda device: device.revoke(None, "stolen"))
        renewed = Certificate(uuid4().hex, "cd" * 32, NOON + timedelta(days=9_000))
        if other % 2:
            self._on(one, lambda device: device.certify(renewed))

    def _group(self, one: int, other: int) -> None:
        query = DeviceQuery({"site": SITES[other % 3]}, [True, False, None][one % 3], text="D")
        if other % 2 or not self._groups:
            self._groups.append(self._new(
                lambda: DeviceGroup.define(uuid4(), f"g{len(self._groups)}", query, "")
            ))  # fmt: skip
        elif other:
            self._change(DeviceGroup, self._groups, one, lambda group: group.revise(query))
        else:
            self._change(DeviceGroup, self._groups, one, lambda group: group.delete())

    def _end(self, one: int, other: int) -> None:
        if other == 0:
            self._on(one, lambda device: device.decommission())

    def _on(self, one: int, change: Callable[[Device], Any]) -> None:
        self._change(Device, self._devices, one, change)
