"""What devices measured of themselves, with a release and without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.rollout_plan import HealthMetric


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which a device ran one thing."""

    device_id: UUID
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Periods:
    """`new`: with the release, since it was confirmed. `old`: of devices that still run what was
    there before. `before`: of those that got the release, before they were offered it."""

    new: Sequence[Period]
    old: Sequence[Period]
    before: Sequence[Period]


class RolloutHealth(Protocol):
    def periods(self, tenant_id: UUID, rollout_id: UUID) -> Periods:
        """At most some hundreds of devices on each side, always the same ones."""
        ...

    def measured(
        self,
        tenant_id: UUID,
        metric: HealthMetric,
        periods: Sequence[Period],
        model: str | None = None,
    ) -> Mapping[UUID, float]:
        """One number for each device that has reported in its period: LATENCY the median of its
        windows' p95 in ms, ERROR_RATE errors among its inferences, CRASH_RATE starts of the agent
        an hour (for a period of a minute and more), MEMORY the agent's median bytes. Of inference
        only that of the model with this sha256 counts, where one is given."""
        ...
