"""Whom a rollout is for and how it is to go, as mutations take it."""

from datetime import datetime

import strawberry

from domain.device_query import DeviceQuery
from domain.refusal import Refusal
from domain.rollout_plan import (
    HealthGate,
    HealthMetric,
    OnStop,
    Plan,
    StopRule,
    StopRuleKind,
    Target,
    Wave,
    Window,
)
from interfaces.graphql.device_group import DeviceGroupQueryInput
from interfaces.graphql.node import parsed_id

strawberry.enum(OnStop)

PLAN = Plan()
RULE = StopRule()


@strawberry.input(description="Exactly one of devices, a query and a group is given.")
class RolloutTargetInput:
    device_ids: list[strawberry.ID] | None = None
    query: DeviceGroupQueryInput | None = None
    device_group_id: strawberry.ID | None = None
    dynamic: bool = strawberry.field(
        default=False,
        description="Devices that come to be meant later are added to the last wave; else who is"
        " meant is fixed at approval.",
    )

    def target(self) -> Target:
        group = self.device_group_id
        return Target(
            device_ids=tuple(
                parsed_id("Device", id, "target.deviceIds") for id in self.device_ids or ()
            ),
            query=None if self.query is None else _query(self.query),
            group_id=None
            if group is None
            else parsed_id("DeviceGroup", group, "target.deviceGroupId"),
            dynamic=self.dynamic,
        )


def _query(given: DeviceGroupQueryInput) -> DeviceQuery:
    try:
        return given.query()
    except Refusal as refusal:
        where = f"target.query.{refusal.field}"
        raise Refusal(refusal.code, refusal.message, where) from None


@strawberry.input(description="A share of all devices, above 0 and up to 1, or a count.")
class RolloutWaveInput:
    share: float | None = None
    count: int | None = None


@strawberry.input(
    description="E_PROCESS stops where failures above `healthyRate` are shown, with at most `alpha`"
    " of healthy rollouts stopped. PERCENTAGE stops above `maxRate` after `minCount` outcomes."
)
class StopRuleInput:
    kind: StopRuleKind = RULE.kind
    healthy_rate: float = RULE.healthy_rate
    alpha: float = RULE.alpha
    max_rate: float = RULE.max_rate
    min_count: int = RULE.min_count

    def rule(self) -> StopRule:
        return StopRule(self.kind, self.healthy_rate, self.alpha, self.max_rate, self.min_count)


@strawberry.input(
    description="The median of devices on the new release against that of devices on the old one."
)
class HealthGateInput:
    metric: HealthMetric
    max_ratio: float = 1.25
    min_devices: int = 3


@strawberry.input(
    description="Of the device's local day, in minutes from midnight; ISO weekdays, 1 is Monday."
)
class MaintenanceWindowInput:
    from_minute: int
    to_minute: int
    days: list[int] = strawberry.field(default_factory=lambda: [1, 2, 3, 4, 5, 6, 7])


@strawberry.input(description="Times are in seconds, bandwidth in bytes a second for each device.")
class RolloutPlanInput:
    waves: list[RolloutWaveInput] | None = strawberry.field(
        default=None, description="By default 20 % first, then the rest."
    )
    soak_seconds: float = PLAN.soak_seconds
    automatic: bool = strawberry.field(
        default=PLAN.automatic, description="Waves that soaked well are promoted by themselves."
    )
    min_success: float = PLAN.min_success
    stop_rule: StopRuleInput | None = None
    gates: list[HealthGateInput] | None = None
    on_stop: OnStop = PLAN.on_stop
    window: MaintenanceWindowInput | None = None
    max_per_minute: int | None = None
    max_at_once: int | None = None
    starts_at: datetime | None = None
    needs_approval: bool = strawberry.field(
        default=PLAN.needs_approval, description="By another member than the author."
    )
    attempts: int = PLAN.attempts
    offer_seconds: float = strawberry.field(
        default=PLAN.offer_seconds,
        description="From the offer to the end; silence after that counts against the rollout.",
    )
    probation_seconds: float = PLAN.probation_seconds
    watch_seconds: float = PLAN.watch_seconds
    bandwidth: int | None = None
    reference_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The artifact whose outputs devices must agree with on golden inputs; by"
        " default the source of what goes out.",
    )

    def plan(self) -> Plan:
        window = self.window
        return Plan(
            waves=tuple(Wave(one.share, one.count) for one in self.waves)
            if self.waves is not None
            else PLAN.waves,
            soak_seconds=self.soak_seconds,
            automatic=self.automatic,
            min_success=self.min_success,
            stop_rule=self.stop_rule.rule() if self.stop_rule else RULE,
            gates=tuple(
                HealthGate(one.metric, one.max_ratio, one.min_devices) for one in self.gates or ()
            ),
            on_stop=self.on_stop,
            window=Window(window.from_minute, window.to_minute, tuple(window.days))
            if window
            else None,
            max_per_minute=self.max_per_minute,
            max_at_once=self.max_at_once,
            starts_at=self.starts_at,
            needs_approval=self.needs_approval,
            attempts=self.attempts,
            offer_seconds=self.offer_seconds,
            probation_seconds=self.probation_seconds,
            watch_seconds=self.watch_seconds,
            bandwidth=self.bandwidth,
            reference_id=None
            if self.reference_id is None
            else parsed_id("Artifact", self.reference_id, "plan.referenceId"),
        )
