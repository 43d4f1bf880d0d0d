"""What an optimization is asked to do, as mutations take it."""

from uuid import UUID

import strawberry

from application.commands.optimization_order import OptimizationOrder
from domain.model_format import ModelFormat
from domain.optimization_spec import CalibrationMethod, Level, Pass
from interfaces.graphql.node import parsed_id
from interfaces.graphql.scalars import BigInt
from interfaces.graphql.scorer import ScorerInput

strawberry.enum(Pass)
strawberry.enum(Level)
strawberry.enum(CalibrationMethod)


@strawberry.input(
    description="What is not given is chosen by `level`, and by the device profile where one is"
    " given: see `optimizationRecommendation`, and `Job.reasons`."
)
class OptimizeInput:
    artifact_id: strawberry.ID | None = strawberry.field(
        default=None, description="The source of the latest version by default."
    )
    passes: list[Pass] | None = None
    level: Level = Level.BALANCED
    calibration_dataset_id: strawberry.ID | None = None
    evaluation_dataset_id: strawberry.ID | None = None
    max_drop: float = 0.01
    max_bytes: BigInt | None = strawberry.field(
        default=None, description="A variant that is larger fails its gate SIZE."
    )
    max_latency_ms: float | None = strawberry.field(
        default=None, description="A variant whose median run takes longer fails its gate LATENCY."
    )
    block_size: int | None = strawberry.field(
        default=None,
        description="How many weights share a scale in INT4: 16, 32, 64, 128 or 256; by default 32,"
        " or what the device profile advises.",
    )
    calibration_method: CalibrationMethod = CalibrationMethod.MINMAX
    calibration_samples: int = strawberry.field(
        default=512, description="The most rows that are read."
    )
    calibration_percentile: float = strawberry.field(
        default=99.99, description="The share of values within the range, for PERCENTILE."
    )
    per_channel: bool | None = strawberry.field(
        default=None,
        description="A scale for each output channel of a weight, in INT8: the default.",
    )
    reduce_range: bool | None = strawberry.field(
        default=None,
        description="Weights of 7 bits in INT8, for x86 CPUs without VNNI; by default as the device"
        " profile advises.",
    )
    device_profile_id: strawberry.ID | None = None
    target: ModelFormat | None = strawberry.field(
        default=None,
        description="What format to make, by default what the device profile's runtime takes, else"
        " the source's; see `optimizationPasses`.",
    )

    scorer: ScorerInput | None = strawberry.field(
        default=None,
        description="What judges by the evaluation dataset; by default what the model's task and"
        " the labels call for.",
    )

    def order(self) -> OptimizationOrder:
        return OptimizationOrder(
            artifact_id=_optional("Artifact", self.artifact_id, "artifactId"),
            passes=None if self.passes is None else tuple(dict.fromkeys(self.passes)),
            level=self.level,
            calibration_dataset_id=_optional(
                "Dataset", self.calibration_dataset_id, "calibrationDatasetId"
            ),
            evaluation_dataset_id=_optional(
                "Dataset", self.evaluation_dataset_id, "evaluationDatasetId"
            ),
            max_drop=self.max_drop,
            max_bytes=self.max_bytes,
            max_latency_ms=self.max_latency_ms,
            block_size=self.block_size,
            calibration_method=self.calibration_method,
            calibration_samples=self.calibration_samples,
            calibration_percentile=self.calibration_percentile,
            per_channel=self.per_channel,
            reduce_range=self.reduce_range,
            device_profile_id=_optional("DeviceProfile", self.device_profile_id, "deviceProfileId"),
            target=self.target,
            scorer=None if self.scorer is None else self.scorer.order(),
        )


def _optional(type_name: str, id: str | None, field: str) -> UUID | None:
    return None if id is None else parsed_id(type_name, id, field)
