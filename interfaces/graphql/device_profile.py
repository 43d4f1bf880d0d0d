"""Device profiles: what kind of hardware a model is meant for; templates, and a tenant's own."""

from uuid import UUID

import strawberry

from application.commands.device_profile import (
    define_device_profile,
    delete_device_profile,
    revise_device_profile,
)
from application.ports.reads import EVERYTHING
from application.views.device_profile import DeviceProfileRow
from domain.device_profile import TEMPLATES, Architecture, Hardware, Template
from domain.refusal import invalid, not_found
from interfaces.graphql.batching import Batched
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field, nullable
from interfaces.graphql.mutating import Payload, carry_out, mutation, shown_after
from interfaces.graphql.node import Node, global_id, parsed_id
from interfaces.graphql.paging import Connection, checked_paging, connection_of
from interfaces.graphql.reading import Moment, read_of, rows_at, waited
from interfaces.graphql.scalars import BigInt

MOST_WORDS, LONGEST_WORD = 50, 100
strawberry.enum(Architecture)


@strawberry.type(description="`template` marks the built-in ones, which all can read.")
class DeviceProfile(Node):
    name: str
    template: bool
    architecture: Architecture
    cores: int
    memory_bytes: BigInt
    runtimes: list[str]
    accelerators: list[str]

    @classmethod
    def of(cls, row: DeviceProfileRow, rows: Batched) -> "DeviceProfile":
        return cls(
            id=global_id("DeviceProfile", row.id),
            name=row.name,
            template=False,
            architecture=Architecture(row.architecture),
            cores=row.cores,
            memory_bytes=BigInt(row.memory_bytes),
            runtimes=row.runtimes,
            accelerators=row.accelerators,
        )

    @classmethod
    def of_template(cls, template: Template) -> "DeviceProfile":
        hardware = template.hardware
        return cls(
            id=global_id("DeviceProfile", template.id),
            name=template.name,
            template=True,
            architecture=hardware.architecture,
            cores=hardware.cores,
            memory_bytes=BigInt(hardware.memory_bytes),
            runtimes=list(hardware.runtimes),
            accelerators=list(hardware.accelerators),
        )


@strawberry.input(description="`memoryBytes` is what a model may use at most.")
class HardwareInput:
    architecture: Architecture
    cores: int
    memory_bytes: BigInt
    runtimes: list[str]
    accelerators: list[str] = strawberry.field(default_factory=list)

    def hardware(self) -> Hardware:
        """Raises Refusal(INVALID) for words that no read table could hold."""
        return Hardware(
            architecture=self.architecture,
            cores=self.cores,
            memory_bytes=self.memory_bytes,
            runtimes=_words("runtimes", self.runtimes),
            accelerators=_words("accelerators", self.accelerators),
        )


def _words(name: str, words: list[str]) -> tuple[str, ...]:
    if len(words) > MOST_WORDS:
        raise invalid(name, f"Name at most {MOST_WORDS}.")
    if any(not 1 <= len(word) <= LONGEST_WORD or not word.isprintable() for word in words):
        raise invalid(name, f"Each is 1 to {LONGEST_WORD} printable characters.")
    return tuple(words)


async def shown_profile(rows: Batched, id: UUID) -> DeviceProfile | None:
    """A template, or the tenant's own profile among these rows."""
    for template in TEMPLATES:
        if template.id == id:
            return DeviceProfile.of_template(template)
    row = await rows.one(DeviceProfileRow, id)
    return None if row is None else DeviceProfile.of(row, rows)


async def require_profile(rows: Batched, id: UUID, field: str) -> None:
    """Raises Refusal(NOT_FOUND) naming the field."""
    if await shown_profile(rows, id) is None:
        raise not_found("device profile", field)


async def profile_of(info: Info, id: UUID, moment: Moment | None = None) -> DeviceProfile | None:
    """A template, or the tenant's own profile."""
    for template in TEMPLATES:
        if template.id == id:
            return DeviceProfile.of_template(template)
    return await read_of(info, DeviceProfile, DeviceProfileRow, id, moment)


@strawberry.type
class DeviceProfileQuery:
    @nullable()
    async def device_profile(
        self,
        info: Info,
        id: strawberry.ID,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> DeviceProfile | None:
        await waited(info, wait_for, "device_profiles")
        return await profile_of(info, parsed_id("DeviceProfile", id, "id"), as_of)

    @field("The tenant's own.")
    async def device_profiles(
        self,
        info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
        as_of: Moment | None = None,
        wait_for: BigInt | None = None,
    ) -> Connection[DeviceProfile]:
        paging = checked_paging(first, last, after, before)
        await waited(info, wait_for, "device_profiles")
        rows = await rows_at(info, as_of)
        page = await rows.rows.page(DeviceProfileRow, EVERYTHING, paging)
        return connection_of(page, lambda row: DeviceProfile.of(row, rows))

    @field("The built-in ones; their figures are the makers'.")
    async def device_profile_templates(self, info: Info) -> list[DeviceProfile]:
        assert info.context.caller is not None
        return [DeviceProfile.of_template(template) for template in TEMPLATES]


@strawberry.type
class DeviceProfilePayload(Payload):
    device_profile: DeviceProfile | None = None


async def _shown(info: Info, position: int, id: UUID) -> DeviceProfilePayload:
    view = "device_profiles"
    profile = await shown_after(info, position, DeviceProfile, DeviceProfileRow, id, view)
    return DeviceProfilePayload(device_profile=profile, event_position=BigInt(position))


@strawberry.type
class DeviceProfileMutation:
    @mutation(DeviceProfilePayload)
    async def device_profile_define(
        self,
        info: Info,
        name: str,
        hardware: HardwareInput,
        idempotency_key: str | None = None,
    ) -> DeviceProfilePayload:
        receipt = await carry_out(
            info, define_device_profile, idempotency_key, name=name, hardware=hardware.hardware()
        )
        return await _shown(info, receipt.position, receipt.id)

    @mutation(DeviceProfilePayload)
    async def device_profile_revise(
        self, info: Info, device_profile_id: strawberry.ID, hardware: HardwareInput
    ) -> DeviceProfilePayload:
        id, given = own_profile(device_profile_id), hardware.hardware()
        receipt = await carry_out(info, revise_device_profile, profile_id=id, hardware=given)
        return await _shown(info, receipt.position, id)

    @mutation(DeviceProfilePayload, "`deviceProfile` is null then; its events remain.")
    async def device_profile_delete(
        self, info: Info, device_profile_id: strawberry.ID
    ) -> DeviceProfilePayload:
        id = own_profile(device_profile_id)
        receipt = await carry_out(info, delete_device_profile, profile_id=id)
        return await _shown(info, receipt.position, id)


def own_profile(id: str) -> UUID:
    """The id in an argument that names a profile."""
    return parsed_id("DeviceProfile", id, "deviceProfileId")
