"""Mutations on rollouts."""

from uuid import UUID

import strawberry

from application.commands.rollout import (
    approve_rollout,
    ask_rollout_approval,
    draft_rollout,
)
from application.commands.rollout_control import (
    abort_rollout,
    force_update,
    pause_rollout,
    promote_rollout,
    resume_rollout,
    retry_updates,
)
from application.views.rollout import RolloutRow
from domain.refusal import Refusal
from interfaces.graphql.context import Info
from interfaces.graphql.mutating import Payload, carry_out, mutation, shown_after
from interfaces.graphql.node import parsed_id
from interfaces.graphql.release_input import ReleaseInput
from interfaces.graphql.rollout import Rollout
from interfaces.graphql.rollout_input import RolloutPlanInput, RolloutTargetInput
from interfaces.graphql.scalars import BigInt


@strawberry.type
class RolloutPayload(Payload):
    rollout: Rollout | None = None


async def _shown(info: Info, position: int, id: UUID) -> RolloutPayload:
    rollout = await shown_after(info, position, Rollout, RolloutRow, id, "rollouts")
    return RolloutPayload(rollout=rollout, event_position=BigInt(position))


def _rollout(id: str) -> UUID:
    return parsed_id("Rollout", id, "rolloutId")


def _device(id: str, field: str = "deviceId") -> UUID:
    return parsed_id("Device", id, field)


@strawberry.type
class RolloutMutation:
    @mutation(
        RolloutPayload,
        "A draft goes nowhere: `rolloutPreview` tells what it would do, `rolloutApprove` starts"
        " it.",
    )
    async def rollout_draft(
        self,
        info: Info,
        name: str,
        release: ReleaseInput,
        target: RolloutTargetInput,
        plan: RolloutPlanInput | None = None,
        idempotency_key: str | None = None,
    ) -> RolloutPayload:
        try:
            receipt = await carry_out(
                info,
                draft_rollout,
                idempotency_key,
                name=name,
                release=await release.order(info.context.present),
                target=target.target(),
                plan=plan.plan() if plan else None,
            )
        except Refusal as refusal:
            raise release.as_given(refusal) from None
        return await _shown(info, receipt.position, receipt.id)

    @mutation(RolloutPayload, "Has another member decide.")
    async def rollout_ask_approval(self, info: Info, rollout_id: strawberry.ID) -> RolloutPayload:
        id = _rollout(rollout_id)
        receipt = await carry_out(info, ask_rollout_approval, rollout_id=id)
        return await _shown(info, receipt.position, id)

    @mutation(
        RolloutPayload,
        "Fixes who is meant and starts it: at once, or at the time of its plan. A plan that needs"
        " approval is approved by another member than its author.",
    )
    async def rollout_approve(self, info: Info, rollout_id: strawberry.ID) -> RolloutPayload:
        id = _rollout(rollout_id)
        receipt = await carry_out(info, approve_rollout, rollout_id=id)
        return await _shown(info, receipt.position, id)

    @mutation(RolloutPayload, "Nothing new is offered; what devices have begun goes on.")
    async def rollout_pause(
        self, info: Info, rollout_id: strawberry.ID, message: str | None = None
    ) -> RolloutPayload:
        id = _rollout(rollout_id)
        receipt = await carry_out(info, pause_rollout, rollout_id=id, message=message)
        return await _shown(info, receipt.position, id)

    @mutation(
        RolloutPayload,
        "Who resumes a rollout that stopped by its evidence overrules what was known until then.",
    )
    async def rollout_resume(self, info: Info, rollout_id: strawberry.ID) -> RolloutPayload:
        id = _rollout(rollout_id)
        receipt = await carry_out(info, resume_rollout, rollout_id=id)
        return await _shown(info, receipt.position, id)

    @mutation(
        RolloutPayload,
        "Begins the next wave, or completes the rollout after the last: also before the present"
        " wave has soaked.",
    )
    async def rollout_promote(self, info: Info, rollout_id: strawberry.ID) -> RolloutPayload:
        id = _rollout(rollout_id)
        receipt = await carry_out(info, promote_rollout, rollout_id=id)
        return await _shown(info, receipt.position, id)

    @mutation(
        RolloutPayload,
        "For good. With `revert` what is installed is taken back, also after completion.",
    )
    async def rollout_abort(
        self,
        info: Info,
        rollout_id: strawberry.ID,
        revert: bool,
        message: str | None = None,
    ) -> RolloutPayload:
        id = _rollout(rollout_id)
        receipt = await carry_out(
            info, abort_rollout, rollout_id=id, revert=revert, message=message
        )
        return await _shown(info, receipt.position, id)

    @mutation(RolloutPayload, "Tries the named devices again, or all that failed.")
    async def rollout_retry(
        self,
        info: Info,
        rollout_id: strawberry.ID,
        device_ids: list[strawberry.ID] | None = None,
    ) -> RolloutPayload:
        id = _rollout(rollout_id)
        devices = [_device(one, "deviceIds") for one in device_ids or ()]
        receipt = await carry_out(info, retry_updates, rollout_id=id, device_ids=devices)
        return await _shown(info, receipt.position, id)

    @mutation(
        RolloutPayload,
        "Offers it to this device now: before its wave, outside its window. Still one at a time.",
    )
    async def rollout_force(
        self, info: Info, rollout_id: strawberry.ID, device_id: strawberry.ID
    ) -> RolloutPayload:
        id = _rollout(rollout_id)
        receipt = await carry_out(info, force_update, rollout_id=id, device_id=_device(device_id))
        return await _shown(info, receipt.position, id)
