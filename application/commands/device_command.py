"""Commands to a device: queued here, signed and delivered by the gateway, answered or expired."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from application.commands.command import Receipt, Request, command
from application.commands.device import device_of
from application.platform import Platform
from domain.principal import Role
from domain.refusal import invalid
from edge.protocol.commands import CommandKind, Diagnostic

LONGEST = timedelta(days=30)
MOST_ARGUMENT_BYTES = 16_384
MOST_LINES = 100_000


@command(Role.OPERATOR)
def send_device_command(
    platform: Platform,
    request: Request,
    *,
    device_id: UUID,
    kind: CommandKind,
    arguments: Mapping[str, Any],
    lifetime: timedelta,
) -> Receipt:
    """`lifetime` is how long it may wait for the device and its answer. The receipt's id is the
    command's."""
    if not timedelta(seconds=1) <= lifetime <= LONGEST:
        raise invalid("expiresIn", f"Give a time from 1 second to {LONGEST.days} days, in seconds.")
    command_id = request.new_id(f"deviceCommandSend:{device_id}")
    device = device_of(platform, device_id)
    device.send_command(
        command_id, kind, checked_arguments(kind, arguments), platform.now() + lifetime
    )
    return Receipt(command_id, platform.log.save(device))


def checked_arguments(kind: CommandKind, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Raises Refusal(INVALID) naming the argument."""
    match kind:
        case CommandKind.DIAGNOSE:
            _only(arguments, "diagnostic")
            known = ", ".join(Diagnostic)
            if arguments.get("diagnostic") not in list(Diagnostic):
                raise invalid("arguments.diagnostic", f"Name one of {known}.")
        case CommandKind.COLLECT_LOGS:
            _only(arguments, "lines")
            lines = arguments.get("lines", 1_000)
            if type(lines) is not int or not 1 <= lines <= MOST_LINES:
                raise invalid("arguments.lines", f"Give a whole number from 1 to {MOST_LINES:,}.")
        case CommandKind.SET_CONFIGURATION:
            _only(arguments, "configuration")
            if not isinstance(arguments.get("configuration"), Mapping):
                raise invalid("arguments.configuration", "Give the settings as an object.")
        case CommandKind.PING | CommandKind.RESTART_RUNTIME:
            _only(arguments)
    _check_plain(arguments)
    return dict(arguments)


def _only(arguments: Mapping[str, Any], *known: str) -> None:
    for name in arguments:
        if name not in known:
            takes = f"It takes {', '.join(known)}." if known else "It takes none."
            raise invalid(f"arguments.{name[:80]}", f"There is no such argument. {takes}")


def _check_plain(arguments: Mapping[str, Any]) -> None:
    try:
        size = len(json.dumps(arguments, allow_nan=False, ensure_ascii=False).encode())
    except (ValueError, TypeError, RecursionError):
        raise invalid("arguments", "Give plain JSON.") from None
    if size > MOST_ARGUMENT_BYTES:
        raise invalid("arguments", f"Give at most {MOST_ARGUMENT_BYTES:,} bytes.")
