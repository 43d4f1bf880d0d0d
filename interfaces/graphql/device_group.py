"""Device groups: questions about devices that were given names."""

import unicodedata
from datetime import datetime
from uuid import UUID

import strawberry

from application.commands.device_group import (
    define_device_group,
    delete_device_group,
    revise_device_group,
)
from application.ports.reads import EVERYTHING
from application.views.device import DeviceRow
from application.views.device_group import DeviceGroupRow
from application.views.device_where import device_where
from domain.device_query import DeviceQuery
from domain.refusal import invalid
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.device import Device
from interfaces.graphql.device_label import Label, labels_of, selected_labels
from interfaces.graphql.device_profile import DeviceProfile, own_profile, shown_profile
from interfaces.graphql.event import EventPage, event_page
from interfaces.graphql.fields import field, nullable
from interfaces.graphql.mutating import Payload, carry_out, caught_up, mutation
from interfaces.graphql.node import Node, global_id, parsed_id
from interfaces.graphql.paging import Connection, checked_paging, connection_of
from interfaces.graphql.reading import Moment, all_at, checked_text, rows_at, waited
from interfaces.graphql.scalars import BigInt


@strawberry.input(
    description="All that is given must hold. `labels` are selectors such as `site=berlin`;"
    " `text` is looked for in names."
)
class DeviceGroupQueryInput:
    online: bool | None = None
    group: str | None = None
    labels: list[str] | None = None
    device_profile_id: strawberry.ID | None = None
    text: str | None = None

    def query(self) -> DeviceQuery:
        """Raises Refusal(INVALID) naming the field."""
        profile = self.device_profile_id
        return DeviceQuery(
            labels=selected_labels(self.labels or (), "labels"),
            online=self.online,
            group=self.group,
            profile_id=None if profile is None else own_profile(profile),
            text=self.text,
        )


@strawberry.type(description="A saved query. Devices belong for as long as it means them.")
class DeviceGroup(Node):
    row: strawberry.Private[DeviceGroupRow]
    rows: strawberry.Private[Batched]
    name: str
    labels: list[Label]
    online: bool | None
    group: str | None
    text: str | None
    created_at: datetime
    created_by: str
    updated_at: datetime
    position: BigInt
    changed: BigInt

    @classmethod
    def of(cls, row: DeviceGroupRow, rows: Batched) -> "DeviceGroup":
        """`rows` are all of the tenant's."""
        return cls(
            row=row,
            rows=rows,
            id=global_id("DeviceGroup", row.id),
            name=row.name,
            labels=labels_of(row.labels),
            online=row.online,
            group=row.group_name,
            text=row.text,
            created_at=row.created_at,
            created_by=row.created_by,
            updated_at=row.updated_at,
            position=BigInt(row.position),
            changed=BigInt(row.changed),
        )

    @field()
    async def profile(self) -> DeviceProfile | None:
        id = self.row.profile_id
        return None if id is None else await shown_profile(self.rows, id)

    @field("Those in service.")
    async def devices(
        self,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Connection[Device]:
        paging = checked_paging(first, last, after, before)
        page = await self.rows.rows.page(DeviceRow, device_where(self.row.query), paging)
        return connection_of(page, lambda row: Device.of(row, self.rows))

    @field("How many devices belong.")
    async def count(self) -> int:
        return await self.rows.rows.count(DeviceRow, device_where(self.row.query))

    @field()
    async def events(self, info: Info, first: int, after: BigInt | None = None) -> EventPage:
        return await event_page(info, first, after, self.row.id, self.rows.until)


async def group_at(info: Info, id: UUID, moment: Moment | None) -> DeviceGroup | None:
    rows = await rows_at(info, moment)
    row = await rows.one(DeviceGroupRow, id)
    return None if row is None else DeviceGroup.of(row, rows)


@strawberry.type
class DeviceGroupQuery:
    @nullable("By exactly one of id and name.")
    async def device_group(
        self,
        info: Info,
        id: strawberry.ID | None = None,
        name: str | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> DeviceGroup | None:
        await waited(info, wait_for, "device_groups")
        if (id is None) == (name is None):
            raise invalid("id", "Give either an id or a name.")
        if id is not None:
            return await group_at(info, parsed_id("DeviceGroup", id, "id"), as_of)
        assert name is not None
        rows = await rows_at(info, as_of)
        wanted = unicodedata.normalize("NFC", checked_text("name", name))
        found = await rows.rows.find(DeviceGroupRow, "name", [wanted])
        return DeviceGroup.of(found[0], rows) if found else None

    @field()
    async def device_groups(
        self,
        info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Connection[DeviceGroup]:
        paging = checked_paging(first, last, after, before)
        await waited(info, wait_for, "device_groups")
        rows = await rows_at(info, as_of)
        page = await rows.rows.page(DeviceGroupRow, EVERYTHING, paging)
        return connection_of(page, lambda row: DeviceGroup.of(row, rows))


@strawberry.type
class DeviceGroupPayload(Payload):
    device_group: DeviceGroup | None = None


async def _shown(info: Info, position: int, id: UUID) -> DeviceGroupPayload:
    there = await caught_up(info, position, "device_groups", "devices")
    rows: Batched = info.context.present if there else all_at(info, position)
    row = await rows.one(DeviceGroupRow, id)
    group = None if row is None else DeviceGroup.of(row, rows)
    return DeviceGroupPayload(device_group=group, event_position=BigInt(position))


@strawberry.type
class DeviceGroupMutation:
    @mutation(DeviceGroupPayload)
    async def device_group_define(
        self,
        info: Info,
        name: str,
        query: DeviceGroupQueryInput,
        idempotency_key: str | None = None,
    ) -> DeviceGroupPayload:
        given = query.query()
        receipt = await carry_out(
            info, define_device_group, idempotency_key, name=name, query=given
        )
        return await _shown(info, receipt.position, receipt.id)

    @mutation(DeviceGroupPayload, "`query` takes the place of the one that there was.")
    async def device_group_revise(
        self, info: Info, device_group_id: strawberry.ID, query: DeviceGroupQueryInput
    ) -> DeviceGroupPayload:
        id, given = _group(device_group_id), query.query()
        receipt = await carry_out(info, revise_device_group, group_id=id, query=given)
        return await _shown(info, receipt.position, id)

    @mutation(DeviceGroupPayload, "`deviceGroup` is null then; its devices stay, its events too.")
    async def device_group_delete(
        self, info: Info, device_group_id: strawberry.ID
    ) -> DeviceGroupPayload:
        id = _group(device_group_id)
        receipt = await carry_out(info, delete_device_group, group_id=id)
        return await _shown(info, receipt.position, id)


def _group(id: str) -> UUID:
    return parsed_id("DeviceGroup", id, "deviceGroupId")
