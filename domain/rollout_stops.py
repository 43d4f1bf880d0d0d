"""What stops a rollout, with its reason in words."""

from domain.rollout import Rollout
from domain.rollout_evidence import Evidence, GateFinding, RuleFinding
from domain.rollout_plan import StopRuleKind
from domain.rollout_standing import Standing
from domain.rollout_status import PauseReason, RolloutStatus

_NAMES = {
    "LATENCY": "Inference",
    "ERROR_RATE": "Errors of inference",
    "CRASH_RATE": "Restarts of the agent",
    "MEMORY": "Memory of the agent",
}


def stop_of(rollout: Rollout, standing: Standing) -> tuple[PauseReason, str, Evidence] | None:
    """Why it has to stop now; None where nothing stops it."""
    plan = rollout.plan
    evidence = standing.evidence(standing.all, plan.stop_rule)
    if evidence.rule.stops:
        return PauseReason.STOP_RULE, told(evidence.rule), evidence
    if rollout.overruled_wave == rollout.wave:
        return None
    failed = next((one for one in standing.gates if one.passes is False), None)
    if failed is not None:
        return PauseReason.HEALTH_GATE, told_gate(failed), evidence
    if (
        rollout.status is RolloutStatus.RUNNING
        and rollout.phase
        and _none_took_it(rollout, standing)
    ):
        message = f"Wave {rollout.wave} has ended: {_of(standing.wave.bad)} failed, none succeeded."
        ended = standing.evidence(standing.wave, plan.stop_rule)
        return PauseReason.NO_SUCCESS, message, ended
    return None


def told(rule: RuleFinding) -> str:
    """The stop rule's finding in words."""
    failed = f"{rule.failures} of {_of(rule.outcomes)} failed"
    if rule.kind is StopRuleKind.PERCENTAGE:
        return f"{failed}: {rule.value:.1%}, and at most {rule.limit:.1%} may."
    return (
        f"{failed}: a healthy release would come to this in at most {1 / rule.limit:.1%} of "
        f"rollouts (e-value {rule.value:.1f}, limit {rule.limit:g})."
    )


def told_gate(gate: GateFinding) -> str:
    """A health gate's finding in words."""
    name = _NAMES[gate.metric]
    if gate.passes is None:
        return (
            f"{name}: too few devices have reported ({gate.new_devices} with the release, "
            f"{gate.old_devices} without it)."
        )
    return (
        f"{name}: median {gate.new:.4g} on {gate.new_devices} devices with the release, "
        f"{gate.old:.4g} on {gate.old_devices} without it; at most {gate.limit_ratio:g} times as "
        "much may be."
    )


def _none_took_it(rollout: Rollout, standing: Standing) -> bool:
    """Every device of the wave has ended, and that none succeeded is no accident."""
    wave, rule = standing.wave, rollout.plan.stop_rule
    ended = wave.open == 0 and wave.queued == 0 and wave.bad > 0
    return ended and wave.confirmed == 0 and rule.healthy_rate**wave.bad <= rule.alpha


def _of(devices: int) -> str:
    return f"{devices} device" if devices == 1 else f"{devices} devices"
