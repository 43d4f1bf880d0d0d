"""Claims: codes that let devices join, once each. Codes are shown when they are issued."""

from datetime import datetime
from enum import StrEnum

import strawberry

from application.commands.device_claim import issue_device_claims, withdraw_device_claim
from application.ports.reads import Where
from application.views.device import DeviceRow
from application.views.device_claim import DeviceClaimRow
from domain.device_claim import LIFETIME, LONGEST
from domain.principal import Role
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.device import Device
from interfaces.graphql.device_label import Label, LabelInput, given_labels, labels_of
from interfaces.graphql.device_mutation import lifetime
from interfaces.graphql.device_profile import DeviceProfile, own_profile, shown_profile
from interfaces.graphql.fields import field
from interfaces.graphql.mutating import Payload, carry_out, mutation, shown_after
from interfaces.graphql.node import Node, global_id, parsed_id
from interfaces.graphql.paging import Connection, checked_paging, connection_of
from interfaces.graphql.reading import Moment, moment_of, rows_at, waited
from interfaces.graphql.scalars import BigInt

EXPIRES_IN = int(LIFETIME.total_seconds())


@strawberry.enum(description="OPEN: a device may join with it.")
class DeviceClaimStatus(StrEnum):
    OPEN = "OPEN"
    USED = "USED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


@strawberry.type(description="The right to join one device, with what it will be known by.")
class DeviceClaim(Node):
    row: strawberry.Private[DeviceClaimRow]
    rows: strawberry.Private[Batched]
    status: DeviceClaimStatus
    labels: list[Label]
    group: str | None
    issued_at: datetime
    issued_by: str
    expires_at: datetime
    position: BigInt
    changed: BigInt

    @classmethod
    def of(cls, row: DeviceClaimRow, rows: Batched, now: datetime) -> "DeviceClaim":
        return cls(
            row=row,
            rows=rows,
            id=global_id("DeviceClaim", row.id),
            status=_status(row, now),
            labels=labels_of(row.labels),
            group=row.group_name,
            issued_at=row.issued_at,
            issued_by=row.issued_by,
            expires_at=row.expires_at,
            position=BigInt(row.position),
            changed=BigInt(row.changed),
        )

    @field("The device that joined with it.")
    async def device(self) -> Device | None:
        id = self.row.device_id
        row = None if id is None else await self.rows.one(DeviceRow, id)
        return None if row is None else Device.of(row, self.rows)

    @field()
    async def profile(self) -> DeviceProfile | None:
        id = self.row.profile_id
        return None if id is None else await shown_profile(self.rows, id)


@strawberry.type(description="`code` is null where an earlier request with the key showed it.")
class IssuedDeviceClaim:
    id: strawberry.ID
    code: str | None
    expires_at: datetime


def _status(row: DeviceClaimRow, now: datetime) -> DeviceClaimStatus:
    if row.device_id is not None:
        return DeviceClaimStatus.USED
    if row.withdrawn:
        return DeviceClaimStatus.WITHDRAWN
    return DeviceClaimStatus.EXPIRED if row.expires_at <= now else DeviceClaimStatus.OPEN


def _where(status: DeviceClaimStatus | None, now: datetime) -> Where:
    unused = (("withdrawn", False), ("device_id", None))
    match status:
        case DeviceClaimStatus.OPEN:
            return Where(unused, after=(("expires_at", now),))
        case DeviceClaimStatus.EXPIRED:
            return Where(unused, not_after=(("expires_at", now),))
        case DeviceClaimStatus.WITHDRAWN:
            return Where((("withdrawn", True),))
        case DeviceClaimStatus.USED:
            return Where(filled=("device_id",))
        case None:
            return Where()


async def now_at(info: Info, moment: Moment | None) -> datetime:
    """What the clock said at a moment: at a position, when its event was recorded."""
    reads = info.context.present.reads
    until = await moment_of(info, moment)
    if moment is None or until is None:
        return await reads.now()
    if moment.time is not None:
        return moment.time
    newest = await reads.story(until - 1, 1, None, until)
    return newest[0].recorded_at if newest else await reads.now()


async def claim_at(info: Info, id: str, moment: Moment | None) -> DeviceClaim | None:
    rows, now = await rows_at(info, moment), await now_at(info, moment)
    row = await rows.one(DeviceClaimRow, parsed_id("DeviceClaim", id, "id"))
    return None if row is None else DeviceClaim.of(row, rows, now)


@strawberry.type
class DeviceClaimQuery:
    @field("Needs the role OPERATOR.")
    async def device_claims(
        self,
        info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        status: DeviceClaimStatus | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Connection[DeviceClaim]:
        info.context.caller.require(Role.OPERATOR)
        paging = checked_paging(first, last, after, before)
        await waited(info, wait_for, "device_claims")
        rows, now = await rows_at(info, as_of), await now_at(info, as_of)
        page = await rows.rows.page(DeviceClaimRow, _where(status, now), paging)
        return connection_of(page, lambda row: DeviceClaim.of(row, rows, now))


@strawberry.type
class DeviceClaimsPayload(Payload):
    claims: list[IssuedDeviceClaim] | None = None


@strawberry.type
class DeviceClaimPayload(Payload):
    device_claim: DeviceClaim | None = None


@strawberry.type
class DeviceClaimMutation:
    @mutation(
        DeviceClaimsPayload,
        "Codes for so many devices, which will have these labels, group and profile. `expiresIn`"
        " is in seconds. Each code is shown this once.",
    )
    async def device_claims_issue(
        self,
        info: Info,
        count: int = 1,
        expires_in: int = EXPIRES_IN,
        labels: list[LabelInput] | None = None,
        group: str | None = None,
        device_profile_id: strawberry.ID | None = None,
        idempotency_key: str | None = None,
    ) -> DeviceClaimsPayload:
        profile = device_profile_id
        issued = await carry_out(
            info,
            issue_device_claims,
            idempotency_key,
            count=count,
            lifetime=lifetime("expiresIn", expires_in, LONGEST),
            labels=given_labels(labels or ()),
            group=group,
            profile_id=None if profile is None else own_profile(profile),
        )
        claims = [
            IssuedDeviceClaim(
                id=global_id("DeviceClaim", one.id), code=one.code, expires_at=one.expires_at
            )
            for one in issued.claims
        ]
        return DeviceClaimsPayload(claims=claims, event_position=BigInt(issued.position))

    @mutation(DeviceClaimPayload, "Nobody can join with it any more.")
    async def device_claim_withdraw(
        self, info: Info, device_claim_id: strawberry.ID
    ) -> DeviceClaimPayload:
        id = parsed_id("DeviceClaim", device_claim_id, "deviceClaimId")
        receipt = await carry_out(info, withdraw_device_claim, claim_id=id)
        now = await info.context.present.reads.now()
        claim = await shown_after(
            info, receipt.position, _AtTime(now), DeviceClaimRow, id, "device_claims"
        )
        return DeviceClaimPayload(device_claim=claim, event_position=BigInt(receipt.position))


class _AtTime:
    """Claims as they are at a time."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def of(self, row: DeviceClaimRow, rows: Batched) -> DeviceClaim:
        return DeviceClaim.of(row, rows, self._now)
