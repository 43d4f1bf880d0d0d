"""What a device says of itself, as the gateway heard it. The principal is the device: it can speak
of nothing but itself, and what comes late or twice changes nothing.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from application.commands.command import Request, command
from application.commands.device import device_of
from application.platform import Platform
from domain.device import Device
from domain.device_command import CommandStatus
from domain.device_presence import OfflineReason
from domain.principal import Role
from domain.refusal import Refusal, RefusalCode
from edge.protocol.commands import Answer

MOST_FACTS = 40
LONGEST_FACT = 200


@command(Role.VIEWER)
def come_online(
    platform: Platform,
    request: Request,
    *,
    boot_id: UUID,
    agent: str | None,
    facts: Mapping[str, Any] | None,
    anew: bool = True,
) -> Device:
    """A session has begun, or is heard of again (`anew`); answers with the device as it is, for
    what it has to be told. One that was cut off stays offline."""
    device = device_of(platform, request.principal.require_device())
    device.come_online(
        boot_id,
        agent and agent[:LONGEST_FACT],
        checked_facts(facts) if facts is not None else None,
        anew,
    )
    platform.log.save(device)
    return device


@command(Role.VIEWER)
def go_offline(
    platform: Platform, request: Request, *, boot_id: UUID, reason: OfflineReason
) -> None:
    device = device_of(platform, request.principal.require_device())
    device.go_offline(boot_id, reason)
    platform.log.save(device)


@command(Role.VIEWER)
def report_twin(
    platform: Platform, request: Request, *, version: int, reported: Mapping[str, Any]
) -> None:
    device = _itself(platform, request)
    device.report(version, reported)
    platform.log.save(device)


@command(Role.VIEWER)
def answer_command(
    platform: Platform, request: Request, *, command_id: UUID, answer: Answer
) -> None:
    device = _itself(platform, request)
    status = CommandStatus(answer.status)
    device.answer_command(command_id, status, answer.result, answer.error)
    platform.log.save(device)


@command(Role.OPERATOR)
def expire_command(
    platform: Platform, request: Request, *, device_id: UUID, command_id: UUID
) -> None:
    """The platform's own act: the time is over."""
    device = device_of(platform, device_id)
    device.expire_command(command_id, platform.now())
    platform.log.save(device)


def checked_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values only, cut to a length: they come from outside, and are only shown."""
    plain = {
        str(name)[:LONGEST_FACT]: value[:LONGEST_FACT] if isinstance(value, str) else value
        for name, value in facts.items()
        if isinstance(value, (str, bool))
        or (isinstance(value, (int, float)) and abs(value) < 2**53)
    }
    return dict(list(plain.items())[:MOST_FACTS])


def require_let_in(device: Device) -> None:
    """Refuses with FORBIDDEN what a device says that was cut off."""
    if device.decommissioned or not device.certificates:
        raise Refusal(
            RefusalCode.FORBIDDEN,
            "This device was cut off: its certificates are revoked. Join it with a new claim.",
        )


def _itself(platform: Platform, request: Request) -> Device:
    device = device_of(platform, request.principal.require_device())
    require_let_in(device)
    return device
