"""What a decision on a rollout was made on."""

from typing import Any

import strawberry

from application.plain_json import from_json
from domain.rollout_evidence import Evidence, GateFinding, RuleFinding, Tally
from domain.rollout_plan import HealthMetric, StopRuleKind
from interfaces.graphql.scalars import BigInt

strawberry.enum(
    HealthMetric,
    description="LATENCY: p95 of inference, ms. ERROR_RATE: of inferences. CRASH_RATE: starts of"
    " the agent a device and hour. MEMORY: of the agent, bytes.",
)
strawberry.enum(
    StopRuleKind,
    description="E_PROCESS: an anytime-valid sequential test. PERCENTAGE: the share of failures.",
)


@strawberry.type(
    description="Devices by where their update stands. `offline`: of the queued ones. `open`:"
    " an offer is out. `notTakenBack`: it has the release, or may have, and was not reverted."
)
class RolloutTally:
    devices: int
    queued: int
    offline: int
    open: int
    confirmed: int
    bad: int
    skipped: int
    canceled: int
    reverted: int
    not_taken_back: int
    success: float | None

    @classmethod
    def of(cls, tally: Tally) -> "RolloutTally":
        return cls(
            devices=tally.devices,
            queued=tally.queued,
            offline=tally.offline,
            open=tally.open,
            confirmed=tally.confirmed,
            bad=tally.bad,
            skipped=tally.skipped,
            canceled=tally.canceled,
            reverted=tally.reverted,
            not_taken_back=tally.not_taken_back,
            success=tally.success,
        )


@strawberry.type(
    description="The stop rule after so many outcomes: it stops where `value` reaches `limit`: the"
    " e-value against 1/alpha, or the share of failures against its most."
)
class StopRuleFinding:
    kind: StopRuleKind
    outcomes: int
    failures: int
    value: float
    limit: float
    stops: bool

    @classmethod
    def of(cls, found: RuleFinding) -> "StopRuleFinding":
        return cls(
            kind=found.kind,
            outcomes=found.outcomes,
            failures=found.failures,
            value=found.value,
            limit=found.limit,
            stops=found.stops,
        )


@strawberry.type(
    description="Medians over devices of what they measured themselves: those on the new release,"
    " and those on the old one. `passes` is null while too few have reported."
)
class HealthGateFinding:
    metric: HealthMetric
    new: float | None
    old: float | None
    new_devices: int
    old_devices: int
    limit_ratio: float
    passes: bool | None

    @classmethod
    def of(cls, found: GateFinding) -> "HealthGateFinding":
        return cls(
            metric=found.metric,
            new=found.new,
            old=found.old,
            new_devices=found.new_devices,
            old_devices=found.old_devices,
            limit_ratio=found.limit_ratio,
            passes=found.passes,
        )


@strawberry.type(description="`position` is the newest event that was counted.")
class RolloutEvidence:
    position: BigInt
    tally: RolloutTally
    rule: StopRuleFinding
    gates: list[HealthGateFinding]

    @classmethod
    def of(cls, told: dict[str, Any] | None) -> "RolloutEvidence | None":
        if told is None:
            return None
        evidence = from_json(told, Evidence)
        return cls(
            position=BigInt(evidence.position),
            tally=RolloutTally.of(evidence.tally),
            rule=StopRuleFinding.of(evidence.rule),
            gates=[HealthGateFinding.of(gate) for gate in evidence.gates],
        )
