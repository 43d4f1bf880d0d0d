"""Devices: what they are, whether they are online, and how they are and should be."""

import unicodedata
from datetime import datetime
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from application.as_of import holder_of
from application.commands.device import NAME_KIND
from application.ports.reads import Paging, Where
from application.views.device import DeviceRow
from application.views.device_certificate import DeviceCertificateRow
from application.views.device_command import DeviceCommandRow
from application.views.rollout import RolloutRow
from application.views.update import UpdateRow
from domain.device_presence import OfflineReason
from domain.refusal import invalid
from domain.twin import delta
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.device_command import DeviceCommand
from interfaces.graphql.device_filter import DeviceFilter
from interfaces.graphql.device_label import Label, labels_of
from interfaces.graphql.device_profile import DeviceProfile, shown_profile
from interfaces.graphql.device_telemetry import DeviceTelemetry, telemetry_of
from interfaces.graphql.event import EventPage, event_page
from interfaces.graphql.fields import field, nullable
from interfaces.graphql.node import Node, global_id, parsed_id
from interfaces.graphql.paging import Connection, checked_paging, connection_of
from interfaces.graphql.reading import (
    Moment,
    checked_text,
    moment_of,
    read_of,
    rows_at,
    waited,
)
from interfaces.graphql.rollout import Rollout
from interfaces.graphql.scalars import BigInt
from interfaces.graphql.update import Update

strawberry.enum(
    OfflineReason,
    description="STOPPED: it said goodbye. LOST: it fell silent. CUT_OFF: its certificates were"
    " revoked, or it was decommissioned.",
)


@strawberry.type(
    description="How a device should be and how it says that it is. `delta` is what it does not"
    " report as desired; `inSync` where that is nothing."
)
class DeviceTwin:
    desired: JSON
    desired_version: int
    reported: JSON
    reported_version: BigInt
    delta: JSON
    in_sync: bool

    @classmethod
    def of(cls, row: DeviceRow) -> "DeviceTwin":
        left = delta(row.desired, row.reported)
        return cls(
            desired=JSON(row.desired),
            desired_version=row.desired_version,
            reported=JSON(row.reported),
            reported_version=BigInt(row.reported_version),
            delta=JSON(left),
            in_sync=not left,
        )


@strawberry.type(description="The certificate that was issued last and is in force.")
class CurrentCertificate:
    serial: str
    expires_at: datetime


@strawberry.type(description="A certificate that a device was given. `keyId`: sha256 of its key.")
class DeviceCertificate:
    serial: str
    key_id: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    reason: str | None

    @classmethod
    def of(cls, row: DeviceCertificateRow) -> "DeviceCertificate":
        return cls(
            serial=row.serial,
            key_id=row.key_id,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            reason=row.reason,
        )


@strawberry.type(description="`facts` are what the device says of itself, unchecked.")
class Device(Node):
    row: strawberry.Private[DeviceRow]
    rows: strawberry.Private[Batched]
    name: str
    labels: list[Label]
    group: str | None
    online: bool
    online_changed_at: datetime | None
    offline_reason: OfflineReason | None
    agent: str | None
    facts: JSON
    certificate: CurrentCertificate | None
    decommissioned: bool
    registered_at: datetime
    updated_at: datetime
    position: BigInt
    changed: BigInt

    @classmethod
    def of(cls, row: DeviceRow, rows: Batched) -> "Device":
        serial, expires_at = row.certificate_serial, row.certificate_expires_at
        return cls(
            row=row,
            rows=rows,
            id=global_id("Device", row.id),
            name=row.name,
            labels=labels_of(row.labels),
            group=row.group_name,
            online=row.online,
            online_changed_at=row.online_changed_at,
            offline_reason=None
            if row.offline_reason is None
            else OfflineReason(row.offline_reason),
            agent=row.agent,
            facts=JSON(row.facts),
            certificate=None
            if serial is None or expires_at is None
            else CurrentCertificate(serial=serial, expires_at=expires_at),
            decommissioned=row.decommissioned,
            registered_at=row.registered_at,
            updated_at=row.updated_at,
            position=BigInt(row.position),
            changed=BigInt(row.changed),
        )

    @field()
    async def twin(self) -> DeviceTwin:
        return DeviceTwin.of(self.row)

    @field("Null where it has none, or the tenant's own was deleted.")
    async def profile(self) -> DeviceProfile | None:
        id = self.row.profile_id
        return None if id is None else await shown_profile(self.rows, id)

    @field("Every certificate that it was given.")
    async def certificates(
        self,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Connection[DeviceCertificate]:
        paging = checked_paging(first, last, after, before)
        page = await self.rows.page_of(DeviceCertificateRow, "device_id", self.row.id, paging)
        return connection_of(page, DeviceCertificate.of)

    @field()
    async def commands(
        self,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Connection[DeviceCommand]:
        paging = checked_paging(first, last, after, before)
        page = await self.rows.page_of(DeviceCommandRow, "device_id", self.row.id, paging)
        return connection_of(page, lambda row: DeviceCommand.of(row, self.rows))

    @field("What it told, newest first: those before a time of its clock, or of one kind.")
    async def telemetry(
        self, first: int, before: datetime | None = None, kind: str | None = None
    ) -> list[DeviceTelemetry]:
        return await telemetry_of(self.rows, self.row.id, first, before, kind)

    @field("The one that is under way; null where none is.")
    async def update(self) -> Update | None:
        id = self.row.update_id
        row = None if id is None else await self.rows.one(UpdateRow, id)
        return None if row is None else Update.of(row, self.rows)

    @field("Every update that it was meant for, the newest first.")
    async def updates(
        self,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Connection[Update]:
        paging = checked_paging(first, last, after, before)
        page = await self.rows.page_of(UpdateRow, "device_id", self.row.id, paging)
        return connection_of(page, lambda row: Update.of(row, self.rows))

    @field("The rollout whose release it runs; null where it runs none.")
    async def installed_by(self) -> Rollout | None:
        row = await self._installed_by()
        return None if row is None else Rollout.of(row, self.rows)

    @field("The id of the release that it runs; null where it runs none.")
    async def release(self) -> str | None:
        row = await self._installed_by()
        return None if row is None else row.release_id

    async def _installed_by(self) -> RolloutRow | None:
        id = self.row.installed_by
        return None if id is None else await self.rows.one(RolloutRow, id)

    @field()
    async def events(self, info: Info, first: int, after: BigInt | None = None) -> EventPage:
        return await event_page(info, first, after, self.row.id, self.rows.until)


@strawberry.type
class DeviceQuery:
    @nullable("By exactly one of id and name; one that was decommissioned by its id alone.")
    async def device(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        name: str | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Device | None:
        await waited(info, wait_for, "devices")
        if (id is None) == (name is None):
            raise invalid("id", "Give either an id or a name.")
        if id is not None:
            found: UUID | None = parsed_id("Device", id, "id")
        else:
            assert name is not None
            found = await _named(info, name, as_of)
        return None if found is None else await read_of(info, Device, DeviceRow, found, as_of)

    @field()
    async def devices(
        self,
        info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        filter: DeviceFilter | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Connection[Device]:
        paging = checked_paging(first, last, after, before)
        await waited(info, wait_for, "devices")
        rows = await rows_at(info, as_of)
        where = await (filter or DeviceFilter()).where(rows)
        page = await rows.rows.page(DeviceRow, where, paging)
        return connection_of(page, lambda row: Device.of(row, rows))


async def _named(info: Info, name: str, moment: Moment | None) -> UUID | None:
    """The id of the device that has the name, or had it: one that was decommissioned has none."""
    wanted = unicodedata.normalize("NFC", checked_text("name", name))
    until, present = await moment_of(info, moment), info.context.present
    if until is not None:
        tenant_id = info.context.tenant_id
        return await holder_of(present.reads, tenant_id, NAME_KIND, wanted, until)
    where = Where((("name", wanted), ("decommissioned", False)))
    page = await present.rows.page(DeviceRow, where, Paging(1))
    return page.rows[0].id if page.rows else None
