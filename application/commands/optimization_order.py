"""What a user asks of an optimization, and what is chosen where nothing is asked.

A repeated request is told by what was asked, never by what was chosen: a recommendation may get
better with an upgrade, and the request is still the same.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from application.commands.scoring import ScorerOrder
from domain.artifact import Artifact
from domain.declared import routes
from domain.device_profile import Hardware
from domain.model_format import ModelFormat
from domain.optimization_spec import PASSES_OF, CalibrationMethod, Level, OptimizationSpec, Pass
from domain.pass_declaration import Data
from domain.recommended import recommended


@dataclass(frozen=True, slots=True)
class OptimizationOrder:
    """What a user asks for; None stands for the default, or for what the device profile advises."""

    artifact_id: UUID | None = None
    passes: tuple[Pass, ...] | None = None
    level: Level = Level.BALANCED
    calibration_dataset_id: UUID | None = None
    evaluation_dataset_id: UUID | None = None
    max_drop: float = 0.01
    max_bytes: int | None = None
    max_latency_ms: float | None = None
    block_size: int | None = None
    calibration_method: CalibrationMethod = CalibrationMethod.MINMAX
    calibration_samples: int = 512
    calibration_percentile: float = 99.99
    per_channel: bool | None = None
    reduce_range: bool | None = None
    device_profile_id: UUID | None = None
    target: ModelFormat | None = None
    scorer: ScorerOrder | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The settings of an order, none of them open; `reasons` are for what the hardware decided.
    `passes` may be empty: nothing that there is data for leads to `target`."""

    passes: tuple[Pass, ...]
    target: ModelFormat
    per_channel: bool
    reduce_range: bool
    block_size: int
    max_bytes: int | None
    reasons: tuple[str, ...]


def chosen(
    order: OptimizationOrder, source: Artifact, hardware: Hardware | None, *, calibrated: bool
) -> Chosen:
    """An explicit setting always wins."""
    advice = recommended(order.level, source.format, source.bytes, hardware, order.target)
    passes = order.passes
    if passes is None:
        passes = _possible(advice.passes, source.format, advice.target, calibrated)
    return Chosen(
        passes,
        advice.target,
        advice.per_channel if order.per_channel is None else order.per_channel,
        advice.reduce_range if order.reduce_range is None else order.reduce_range,
        advice.block_size if order.block_size is None else order.block_size,
        advice.max_bytes if order.max_bytes is None else order.max_bytes,
        advice.reasons,
    )


def as_asked(
    order: OptimizationOrder, spec: OptimizationSpec, format: ModelFormat, *, calibrated: bool
) -> tuple[OptimizationSpec, list[Pass]]:
    """The spec and the passes as they would be if no hardware had been given."""
    passes = order.passes
    if passes is None:
        tried = (Pass.CONVERT, *PASSES_OF[order.level])
        passes = _possible(tried, format, order.target or format, calibrated)
    asked: dict[str, Any] = {
        "per_channel": True if order.per_channel is None else order.per_channel,
        "reduce_range": bool(order.reduce_range),
        "block_size": 32 if order.block_size is None else order.block_size,
        "max_bytes": order.max_bytes,
        "target": None if order.target is format else order.target,
    }
    return replace(spec, **asked), list(passes)


def _possible(
    tried: tuple[Pass, ...], takes: ModelFormat, gives: ModelFormat, calibrated: bool
) -> tuple[Pass, ...]:
    """Those that lead from one format to the other and have the data that they require."""
    known = {way.made_by.made_by: way for way in routes(takes, gives)}
    return tuple(
        one
        for one in tried
        if one in known and (calibrated or known[one].calibration is not Data.REQUIRED)
    )
