"""What an optimization would try on a device's hardware, and why: asked before it is asked for."""

import strawberry

from domain.declared import routes
from domain.device_profile import Hardware
from domain.model_format import ModelFormat
from domain.optimization_spec import Level, Pass
from domain.recommended import recommended
from domain.refusal import not_found
from interfaces.graphql.context import Info
from interfaces.graphql.device_profile import profile_of
from interfaces.graphql.fields import field
from interfaces.graphql.node import parsed_id
from interfaces.graphql.scalars import BigInt


@strawberry.type(description="What `modelOptimize` chooses where it is not told.")
class OptimizationRecommendation:
    target: ModelFormat
    passes: list[Pass] = strawberry.field(
        description="Those that require calibration data are tried where a dataset is named."
    )
    per_channel: bool
    reduce_range: bool
    block_size: int
    max_bytes: BigInt | None
    reasons: list[str] = strawberry.field(description="What the hardware decided.")


@strawberry.type
class OptimizationRecommendationQuery:
    @field("For a model of this format whose file has so many bytes.")
    async def optimization_recommendation(
        self,
        info: Info,
        format: ModelFormat,
        bytes: BigInt,
        level: Level = Level.BALANCED,
        device_profile_id: strawberry.ID | None = None,
        target: ModelFormat | None = None,
    ) -> OptimizationRecommendation:
        _ = info.context.caller  # raises for whoever has not signed in
        hardware = await _hardware(info, device_profile_id)
        advice = recommended(level, format, bytes, hardware, target)
        known = {way.made_by.made_by for way in routes(format, advice.target)}
        return OptimizationRecommendation(
            target=advice.target,
            passes=[one for one in advice.passes if one in known],
            per_channel=advice.per_channel,
            reduce_range=advice.reduce_range,
            block_size=advice.block_size,
            max_bytes=None if advice.max_bytes is None else BigInt(advice.max_bytes),
            reasons=list(advice.reasons),
        )


async def _hardware(info: Info, id: str | None) -> Hardware | None:
    if id is None:
        return None
    parsed = parsed_id("DeviceProfile", id, "deviceProfileId")
    profile = await profile_of(info, parsed)
    if profile is None:
        raise not_found("device profile", "deviceProfileId")
    return Hardware(
        profile.architecture,
        profile.cores,
        profile.memory_bytes,
        tuple(profile.runtimes),
        tuple(profile.accelerators),
    )
