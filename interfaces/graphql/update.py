"""Updates: one device in one rollout each."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from application.views.device import DeviceRow
from application.views.update import UpdateRow
from domain.update_state import UpdateState
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.event import EventPage, event_page
from interfaces.graphql.fields import field, nullable
from interfaces.graphql.node import Node, global_id, parsed_id
from interfaces.graphql.reading import Moment, read_of, waited
from interfaces.graphql.scalars import BigInt

if TYPE_CHECKING:
    from interfaces.graphql.device import Device

strawberry.enum(
    UpdateState,
    description="QUEUED: waits for its wave, its device or the device's slot. OFFERED to PROBATION:"
    " how far the device is. LOCAL_ROLLED_BACK: the device found it unwell and went back by itself."
    " LOST: silent since it installed.",
)


@strawberry.type(
    description="One device in one rollout. `running` is the release that the device said it runs;"
    " `findings` are what it measured: golden samples that agree, milliseconds, bytes fetched."
)
class Update(Node):
    row: strawberry.Private[UpdateRow]
    rows: strawberry.Private[Batched]
    rollout_id: strawberry.ID
    device_id: strawberry.ID
    wave: int
    state: UpdateState
    attempt: int
    forced: bool
    code: str | None
    problem: str | None
    detail: str | None
    release: str
    running: str | None
    findings: JSON | None
    queued_at: datetime
    offered_at: datetime | None
    expires_at: datetime | None
    settled_at: datetime | None
    updated_at: datetime
    position: BigInt
    changed: BigInt

    @classmethod
    def of(cls, row: UpdateRow, rows: Batched) -> "Update":
        return cls(
            row=row,
            rows=rows,
            id=global_id("Update", row.id),
            rollout_id=global_id("Rollout", row.rollout_id),
            device_id=global_id("Device", row.device_id),
            wave=row.wave,
            state=UpdateState(row.state),
            attempt=row.attempt,
            forced=row.forced,
            code=row.code,
            problem=row.problem,
            detail=row.detail,
            release=row.release_id,
            running=row.running,
            findings=None if row.findings is None else JSON(row.findings),
            queued_at=row.queued_at,
            offered_at=row.offered_at,
            expires_at=row.expires_at,
            settled_at=row.settled_at,
            updated_at=row.updated_at,
            position=BigInt(row.position),
            changed=BigInt(row.changed),
        )

    @field("Null where the device is not known at that moment.")
    async def device(
        self,
    ) -> Annotated["Device", strawberry.lazy("interfaces.graphql.device")] | None:
        # A device has updates and an update has a device: one of them comes later.
        from interfaces.graphql.device import Device

        row = await self.rows.one(DeviceRow, self.row.device_id)
        return None if row is None else Device.of(row, self.rows)

    @field()
    async def events(self, info: Info, first: int, after: BigInt | None = None) -> EventPage:
        return await event_page(info, first, after, self.row.id, self.rows.until)


@strawberry.type
class UpdateQuery:
    @nullable()
    async def update(
        self,
        info: Info,
        id: strawberry.ID,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Update | None:
        await waited(info, wait_for, "updates")
        return await read_of(info, Update, UpdateRow, parsed_id("Update", id, "id"), as_of)
