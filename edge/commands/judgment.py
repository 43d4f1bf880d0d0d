"""Whether a command is to be run. No I/O: what is remembered is given.

In this order: signed by the platform's key, for this device, of a known kind, not expired by the
corrected clock, not from before what this device can remember. That it was not run before is the
ledger's to say (`edge.agent.state`).
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from edge.clock import DeviceClock
from edge.protocol.commands import BadCommand, Command
from edge.protocol.signed import COMMAND, NotSigned, PublicKey, opened
from edge.protocol.topics import Address

EARLY = 300.0
"""Seconds that a command may be issued after our idea of now, when that is sure."""


class Foreign(ValueError):
    """Not signed by the platform, or not for this device: not answered at all, only counted."""


class Refused(ValueError):
    """Ours, but not to be run: answered REFUSED. `by_time`: a better clock might say otherwise."""

    def __init__(self, command: UUID, why: str, by_time: bool = False) -> None:
        super().__init__(why)
        self.command, self.by_time = command, by_time


def judged(
    body: Mapping[str, Any], key: PublicKey, address: Address, clock: DeviceClock, since: float
) -> Command:
    """Raises Foreign, Refused."""
    try:
        statement = opened(COMMAND, _envelope(body), key)
    except NotSigned as error:
        raise Foreign(str(error)) from None
    meant, id = _meant(statement)
    if meant != address:
        raise Foreign("a command for another device")
    try:
        command = Command.of(statement)
    except BadCommand as error:
        raise Refused(id, str(error)) from None
    clock.passed(command.issued_at)
    if command.expires_at <= clock.now():
        raise Refused(id, "it has expired", by_time=True)
    if command.issued_at < since:
        why = "it was issued before this device lost its memory of commands"
        raise Refused(id, why, by_time=True)
    if clock.sure and command.issued_at > clock.now() + EARLY:
        raise Refused(id, "it was issued in the future")
    return command


def _envelope(body: Mapping[str, Any]) -> Mapping[str, Any]:
    statement = body.get("statement")
    if not isinstance(statement, Mapping):
        raise NotSigned("this is no signed statement")
    return statement


def _meant(statement: Mapping[str, Any]) -> tuple[Address, UUID]:
    try:
        address = Address(UUID(statement["tenant"]), UUID(statement["device"]))
        return address, UUID(statement["command"])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Foreign("a statement that names no device and command") from None
