"""The health gates of a rollout, judged on what devices measured themselves."""

from collections.abc import Sequence
from uuid import UUID

from application.platform import Platform
from application.ports.rollout_health import Period, Periods, RolloutHealth
from application.ports.rollouts import Reading
from domain.rollout import Rollout
from domain.rollout_evidence import GateFinding
from domain.rollout_health import finding
from domain.rollout_plan import HealthGate


class HealthGates:
    """One finding for each gate of the plan, in its order."""

    def __init__(self, health: RolloutHealth) -> None:
        self._health = health

    def __call__(
        self, _platform: Platform, rollout: Rollout, _reading: Reading
    ) -> tuple[GateFinding, ...]:
        if not rollout.plan.gates or rollout.wave == 0:
            return ()
        periods = self._health.periods(rollout.tenant_id, rollout.id)
        return tuple(self._judged(rollout, gate, periods) for gate in rollout.plan.gates)

    def _judged(self, rollout: Rollout, gate: HealthGate, periods: Periods) -> GateFinding:
        model = rollout.release.model
        sha256 = model.files[0].sha256 if model is not None and len(model.files) == 1 else None
        new = self._measured(rollout.tenant_id, gate, periods.new, sha256)
        old = self._measured(rollout.tenant_id, gate, periods.old)
        if len(old) < gate.min_devices:
            old += self._measured(rollout.tenant_id, gate, periods.before)
        return finding(gate, new, old)

    def _measured(
        self,
        tenant_id: UUID,
        gate: HealthGate,
        periods: Sequence[Period],
        model: str | None = None,
    ) -> list[float]:
        return list(self._health.measured(tenant_id, gate.metric, periods, model).values())
