"""Commands on rollouts up to their start: draft, ask for approval, approve or start, and dry run.

From the approval on an actor carries the rollout on (`application.rollouts.advancing`).
"""

from dataclasses import replace
from uuid import UUID

from application.commands.command import (
    Receipt,
    Request,
    command,
    create_once,
    hash_of,
    load,
)
from application.commands.device_group import checked_query
from application.commands.rollout_order import (
    ReleaseOrder,
    artifact_of,
    release_of,
    require_artifacts,
)
from application.plain_json import to_json
from application.platform import Platform
from application.rollouts.dry_run import DryRun, dry_run_of
from application.rollouts.meant import meant_by, require_all
from domain.aggregate import Aggregate
from domain.naming import checked_name
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode
from domain.release import Release
from domain.rollout import Rollout
from domain.rollout_plan import Plan, Target
from domain.rollout_waves import wave_sizes


@command(Role.OPERATOR)
def draft_rollout(
    platform: Platform,
    request: Request,
    *,
    name: str,
    release: ReleaseOrder,
    target: Target,
    plan: Plan | None = None,
) -> Receipt:
    """A new rollout, that goes nowhere yet. Without a plan it has the default one."""
    plan = (plan or Plan()).checked()
    name, target = checked_name(name), _checked(platform, target)
    rollout_id = request.new_id("rolloutDraft")
    hashed = hash_of(name=name, release=to_json(release), target=to_json(target), plan=_plain(plan))

    def make() -> tuple[Aggregate, ...]:
        built = release_of(platform, request, release)
        _require_reference(platform, built, plan)
        meant_by(platform, request.tenant_id, target, built.compatibility)
        return (Rollout.draft(rollout_id, name, built, target, plan, hashed),)

    return create_once(platform, Rollout, rollout_id, hashed, make)


@command(Role.OPERATOR)
def ask_rollout_approval(platform: Platform, request: Request, *, rollout_id: UUID) -> Receipt:
    """Has another member decide (`approve_rollout`)."""
    rollout = rollout_of(platform, rollout_id)
    rollout.ask_approval()
    return Receipt(rollout_id, platform.log.save(rollout))


@command(Role.OPERATOR)
def approve_rollout(platform: Platform, request: Request, *, rollout_id: UUID) -> Receipt:
    """Fixes who is meant, and starts it: at once, or at the time of its plan. A plan that needs
    approval is approved by another member than its author."""
    return _approve(platform, request, rollout_of(platform, rollout_id))


@command(Role.OPERATOR)
def start_rollout(platform: Platform, request: Request, *, rollout_id: UUID) -> Receipt:
    """Approves and starts a rollout that needs nobody else's approval."""
    rollout = rollout_of(platform, rollout_id)
    if rollout.plan.needs_approval:
        raise Refusal(
            RefusalCode.FORBIDDEN,
            "Another member has to approve this rollout. Ask for approval; it starts then.",
            "rolloutId",
        )
    return _approve(platform, request, rollout)


@command(Role.VIEWER)
def dry_run_rollout(platform: Platform, request: Request, *, rollout_id: UUID) -> DryRun:
    """What would happen if it was approved now. Changes nothing."""
    rollout = rollout_of(platform, rollout_id)
    return dry_run_of(
        platform, request.tenant_id, rollout.release, rollout.target, rollout.plan, rollout_id
    )


@command(Role.OPERATOR)
def dry_run_draft(
    platform: Platform,
    request: Request,
    *,
    release: ReleaseOrder,
    target: Target,
    plan: Plan | None = None,
) -> DryRun:
    """The same, before there is a draft."""
    plan, target = (plan or Plan()).checked(), _checked(platform, target)
    built = release_of(platform, request, release)
    _require_reference(platform, built, plan)
    return dry_run_of(platform, request.tenant_id, built, target, plan, None)


def rollout_of(platform: Platform, rollout_id: UUID, field: str = "rolloutId") -> Rollout:
    """The rollout, or NOT_FOUND."""
    return load(platform, Rollout, rollout_id, "rollout", field)


def _approve(platform: Platform, request: Request, rollout: Rollout) -> Receipt:
    if rollout.members is not None:
        return Receipt(rollout.id, platform.log.save(rollout))
    require_artifacts(platform, rollout.release)
    meant = meant_by(platform, request.tenant_id, rollout.target, rollout.release.compatibility)
    require_all(rollout.target, meant)
    members = platform.fleet.members.keep(request.tenant_id, meant.ids)
    rollout.approve(
        request.principal.actor, members, wave_sizes(rollout.plan.waves, len(meant.devices))
    )
    return Receipt(rollout.id, platform.log.save(rollout))


def _checked(platform: Platform, target: Target) -> Target:
    target = target.checked()
    if target.query is not None:
        try:
            return replace(target, query=checked_query(platform, target.query))
        except Refusal as refusal:
            where = f"target.query.{refusal.field}"
            raise Refusal(refusal.code, refusal.message, where) from None
    return target


def _require_reference(platform: Platform, release: Release, plan: Plan) -> None:
    if plan.reference_id is None:
        return
    model = release.model
    if model is None or model.model_id is None:
        raise Refusal(
            RefusalCode.INVALID,
            "There is no model in this release that a reference could be for. Leave it out.",
            "plan.referenceId",
        )
    artifact_of(platform, model.model_id, plan.reference_id, "plan.referenceId")


def _plain(plan: Plan) -> object:
    """Settings that come later are to be left out here at their defaults (as in `commands.job`)."""
    return to_json(plan)
