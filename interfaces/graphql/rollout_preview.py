"""What a rollout would do if it was approved now."""

import strawberry

from application.commands.rollout import dry_run_rollout
from application.rollouts.dry_run import DryRun
from application.views.device import DeviceRow
from interfaces.graphql.context import Info
from interfaces.graphql.fields import field
from interfaces.graphql.mutating import carry_out
from interfaces.graphql.node import global_id, parsed_id
from interfaces.graphql.scalars import BigInt


@strawberry.type
class PreviewWave:
    wave: int
    devices: int
    online: int
    estimated_seconds: float


@strawberry.type(description="A device that is meant and cannot take the release.")
class LeftOut:
    device_id: strawberry.ID
    name: str
    why: str


@strawberry.type(description="A device that another rollout has not finished with: it would wait.")
class RolloutConflict:
    device_id: strawberry.ID
    name: str
    rollout_id: strawberry.ID
    rollout_name: str
    state: str


@strawberry.type(
    description="`bytes` are all downloads together. Times are estimated, by `assumptions`."
)
class RolloutPreview:
    devices: int
    online: int
    waves: list[PreviewWave]
    left_out: list[LeftOut]
    conflicts: list[RolloutConflict]
    installed_already: int
    bytes: BigInt
    estimated_seconds: float
    assumptions: list[str]

    @classmethod
    def of(cls, found: DryRun, names: dict[str, str]) -> "RolloutPreview":
        return cls(
            devices=found.devices,
            online=found.online,
            waves=[
                PreviewWave(
                    wave=one.wave,
                    devices=one.devices,
                    online=one.online,
                    estimated_seconds=one.seconds,
                )
                for one in found.waves
            ],
            left_out=[
                LeftOut(
                    device_id=global_id("Device", one.device.id), name=one.device.name, why=one.why
                )
                for one in found.left_out
            ],
            conflicts=[
                RolloutConflict(
                    device_id=global_id("Device", one.device_id),
                    name=names.get(str(one.device_id), ""),
                    rollout_id=global_id("Rollout", one.rollout_id),
                    rollout_name=one.rollout_name,
                    state=one.state,
                )
                for one in found.conflicts
            ],
            installed_already=found.installed_already,
            bytes=BigInt(found.bytes),
            estimated_seconds=found.estimated_seconds,
            assumptions=list(found.assumptions),
        )


@strawberry.type
class RolloutPreviewQuery:
    @field("Who is affected, what conflicts, how many bytes, how long; nothing is changed.")
    async def rollout_preview(self, info: Info, rollout_id: strawberry.ID) -> RolloutPreview:
        id = parsed_id("Rollout", rollout_id, "rolloutId")
        found = await carry_out(info, dry_run_rollout, rollout_id=id)
        ids = [one.device_id for one in found.conflicts]
        devices = await info.context.present.rows.find(DeviceRow, "id", ids) if ids else []
        return RolloutPreview.of(found, {str(one.id): one.name for one in devices})
