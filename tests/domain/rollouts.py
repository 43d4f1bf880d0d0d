"""Rollouts at any point of their way, for the tests of the domain."""

from datetime import UTC, datetime
from uuid import uuid4

from domain.release import Component, ComponentKind, Release
from domain.rollout import Rollout
from domain.rollout_evidence import Evidence, Tally
from domain.rollout_plan import Plan, Target
from domain.rollout_standing import Standing

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PLAN = Plan()
NONE = Tally()
RELEASE = Release((Component(ComponentKind.CONFIGURATION, "settings", configuration={"a": 1}),))


def evidence(plan: Plan, tally: Tally = NONE, outcomes: tuple[bool, ...] = ()) -> Evidence:
    return Standing(NOW, 1, outcomes=outcomes).evidence(tally, plan.stop_rule)


def draft(plan: Plan = PLAN, dynamic: bool = False) -> Rollout:
    target = Target(group_id=uuid4(), dynamic=dynamic)
    return Rollout.draft(uuid4(), "canary", RELEASE, target, plan, "")


def approved(plan: Plan = PLAN, sizes: tuple[int, ...] = (2, 8), dynamic: bool = False) -> Rollout:
    rollout = draft(plan, dynamic)
    if plan.needs_approval:
        rollout.ask_approval()
    rollout.approve("key:other", "0" * 64, sizes)
    return rollout


def running(plan: Plan = PLAN, sizes: tuple[int, ...] = (2, 8), dynamic: bool = False) -> Rollout:
    """In its first wave, dispatching."""
    rollout = approved(plan, sizes, dynamic)
    rollout.prepared(None)
    rollout.start_wave(1)
    return rollout
