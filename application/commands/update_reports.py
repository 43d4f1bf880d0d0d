"""What a device says of its updates, as the gateway heard it. The principal is the device."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from application.commands.command import Request, command
from application.commands.device import device_of
from application.commands.device_reports import require_let_in
from application.commands.rollout import rollout_of
from application.platform import Platform
from domain.device import Device
from domain.principal import Role
from domain.refusal import not_found
from domain.update import Update, update_id
from domain.update_state import Outcome, Stage, UpdateState
from edge.protocol.updates import Problem, Report, Reported

MOST_FINDINGS_BYTES = 4_096
_STAGES = frozenset(map(str, Stage))
LIED = "it said that it runs the release, and runs {}"


@command(Role.VIEWER)
def report_update(platform: Platform, request: Request, *, update_id: UUID, report: Report) -> None:
    """A stage or an end. One of another attempt, late or twice changes nothing. Success is believed
    where the device runs what it was offered."""
    device = itself(platform, request)
    update = platform.log.find(Update, update_id)
    if update is None or update.device_id != device.id:
        raise not_found("update of this device", "update")
    if str(report.state) in _STAGES:
        update.advance(report.attempt, Stage(str(report.state)), report.detail)
    else:
        _settle(platform, update, report)
    platform.log.save(update)


@command(Role.VIEWER)
def compare_running(platform: Platform, request: Request, *, release: str | None) -> Device:
    """What the device says it runs, against what it was believed to run: who said that it was well
    and runs something else has failed (BETRAYED). Answers with the device as it is."""
    device = itself(platform, request)
    slot = device.slot
    believed = slot.update_id
    if believed is None and slot.installed_by is not None:
        believed = update_id(slot.installed_by, device.id)
    update = None if believed is None else platform.log.find(Update, believed)
    if (
        update is not None
        and update.state is UpdateState.CONFIRMED
        and release != rollout_of(platform, update.rollout_id).release.id
    ):
        update.settle(
            update.attempt,
            Outcome.FAILED,
            Problem.BETRAYED,
            LIED.format(release or "nothing of any rollout"),
            release,
            attempts=0,
        )
        platform.log.save(update)
    return device


def itself(platform: Platform, request: Request) -> Device:
    """The device that asks. Refuses one that was cut off."""
    device = device_of(platform, request.principal.require_device())
    require_let_in(device)
    return device


def _settle(platform: Platform, update: Update, report: Report) -> None:
    outcome, problem, detail = Outcome(str(report.state)), report.problem, report.detail
    rollout = rollout_of(platform, update.rollout_id)
    if report.state is Reported.CONFIRMED and report.release != rollout.release.id:
        outcome, problem = Outcome.FAILED, Problem.BETRAYED
        detail = LIED.format(report.release or "nothing of any rollout")
    again = outcome is Outcome.FAILED and report.retryable
    update.settle(
        report.attempt,
        outcome,
        None if problem is None else str(problem),
        detail,
        report.release,
        attempts=rollout.plan.attempts,
        retryable=again,
        findings=_findings(report.findings),
    )


def _findings(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """They come from outside, and are only shown: what is too much is left out."""
    if given is None or len(json.dumps(given)) > MOST_FINDINGS_BYTES:
        return None
    return dict(given)
