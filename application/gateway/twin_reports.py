"""Reports of twins, taken many at once: what came together is saved in one transaction.

The devices that reported last are kept in memory. That is safe, because a save expects the stream
to be where the device left it: where somebody else has written since, all are read anew and each
report is taken by itself.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from application.commands.command import Request, cause_of
from application.commands.device import device_of
from application.commands.device_reports import report_twin, require_let_in
from application.platform import Platform
from application.ports.event_log import ConcurrentChange
from domain.cause import acting
from domain.device import Device
from domain.refusal import Refusal

MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class TwinReport:
    """One message, in the name of the device that sent it."""

    request: Request
    version: int
    reported: Mapping[str, Any]


class TwinReports:
    """`take` may be called from several threads."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._kept: OrderedDict[UUID, Device] = OrderedDict()
        self._turn = threading.Lock()

    def take(self, reports: Sequence[TwinReport]) -> list[Refusal | None]:
        """What became of each, in order: None where it is durable, or changed nothing."""
        by_tenant: dict[UUID, list[int]] = {}
        for place, one in enumerate(reports):
            by_tenant.setdefault(one.request.tenant_id, []).append(place)
        outcomes: list[Refusal | None] = [None] * len(reports)
        for places in by_tenant.values():
            taken = self._take([reports[place] for place in places])
            for place, outcome in zip(places, taken, strict=True):
                outcomes[place] = outcome
        return outcomes

    def _take(self, reports: Sequence[TwinReport]) -> list[Refusal | None]:
        """Of one tenant."""
        devices: dict[UUID, Device] = {}
        try:
            outcomes = [_refusal_of(partial(self._apply, one, devices)) for one in reports]
            with acting(cause_of(reports[0].request)):
                self._platform.log.save(*devices.values())
        except ConcurrentChange:
            return [_refusal_of(partial(self._alone, one)) for one in reports]
        self._keep(devices)
        return outcomes

    def _apply(self, report: TwinReport, devices: dict[UUID, Device]) -> None:
        id = report.request.principal.require_device()
        with acting(cause_of(report.request)):
            device = devices.get(id) or self._borrow(id)
            devices[id] = device
            require_let_in(device)
            device.report(report.version, report.reported)

    def _alone(self, report: TwinReport) -> None:
        report_twin(
            self._platform, report.request, version=report.version, reported=report.reported
        )

    def _borrow(self, id: UUID) -> Device:
        """Nobody else has it until it is kept again: what is not saved is not seen."""
        with self._turn:
            device = self._kept.pop(id, None)
        return device or device_of(self._platform, id)

    def _keep(self, devices: Mapping[UUID, Device]) -> None:
        with self._turn:
            self._kept.update(devices)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


def _refusal_of(work: Callable[[], None]) -> Refusal | None:
    try:
        work()
    except Refusal as refusal:
        return refusal
    return None
