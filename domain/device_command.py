"""A command to a device, from when it is sent until it is answered or expires."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.refusal import Refusal, RefusalCode

MOST_OPEN = 32
MOST_REMEMBERED = 128
"""So many commands that have ended are known again when they are asked for twice."""


class CommandStatus(StrEnum):
    """SENT: not answered yet. EXPIRED: no answer came in time, whether or not it was run."""

    SENT = "SENT"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class OpenCommand:
    """One that was sent and neither answered nor expired."""

    id: UUID
    kind: str
    arguments: dict[str, Any]
    sent_at: datetime
    expires_at: datetime


def remembered(sent: Mapping[str, str], command: OpenCommand) -> dict[str, str]:
    """The hashes of what was asked for, by the commands' ids, with one more."""
    known = {**sent, str(command.id): _hash_of(command.kind, command.arguments)}
    return dict(list(known.items())[-MOST_REMEMBERED:])


def was_sent(
    sent: Mapping[str, str], command_id: UUID, kind: str, arguments: Mapping[str, Any]
) -> bool:
    """Whether this very command was sent before. Raises Refusal(IDEMPOTENCY_MISMATCH) where its id
    stands for another one."""
    known = sent.get(str(command_id))
    if known is not None and known != _hash_of(kind, arguments):
        raise Refusal(
            RefusalCode.IDEMPOTENCY_MISMATCH,
            "This idempotency key was used before with another input. Use a new key.",
            "idempotencyKey",
        )
    return known is not None


def require_room(commands: Mapping[str, OpenCommand]) -> None:
    """Raises Refusal(INVALID_STATE) where no further command may wait."""
    if len(commands) >= MOST_OPEN:
        raise Refusal(
            RefusalCode.INVALID_STATE,
            f"{MOST_OPEN} commands wait for an answer of this device. Wait until they "
            "are answered or expire.",
            "deviceId",
        )


def _hash_of(kind: str, arguments: Mapping[str, Any]) -> str:
    """The first half of the sha256, hexadecimal: it is kept in every snapshot of the device."""
    text = json.dumps([kind, arguments], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
