"""Commands: what the platform may ask of a device, and how a device knows that it is meant.

A command is a signed statement (`edge.protocol.signed.COMMAND`) that names tenant, device and
command, and when it expires. There is no shell: kinds and diagnostics are a fixed list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from edge.protocol.topics import Address


class CommandKind(StrEnum):
    PING = "PING"
    COLLECT_LOGS = "COLLECT_LOGS"
    """Argument `lines`: how many. They go by `PUT /devices/logs/{command}`, see `calls`."""
    RESTART_RUNTIME = "RESTART_RUNTIME"
    SET_CONFIGURATION = "SET_CONFIGURATION"
    """Arguments `configuration`: settings of the agent by name."""
    DIAGNOSE = "DIAGNOSE"
    """Arguments `diagnostic`: one of Diagnostic."""


class Diagnostic(StrEnum):
    SYSTEM = "SYSTEM"
    DISK = "DISK"
    NETWORK = "NETWORK"
    RUNTIMES = "RUNTIMES"
    STORE = "STORE"


class AnswerStatus(StrEnum):
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    """The device did not run it: not for it, expired, or of a kind that it does not know."""


class BadCommand(ValueError):
    """A statement that is no command for this device."""


@dataclass(frozen=True, slots=True)
class Command:
    """`issued_at` and `expires_at` are the platform's time, in seconds since 1970."""

    address: Address
    id: UUID
    kind: CommandKind
    arguments: Mapping[str, Any]
    issued_at: float
    expires_at: float

    def statement(self) -> dict[str, Any]:
        return {
            "tenant": str(self.address.tenant),
            "device": str(self.address.device),
            "command": str(self.id),
            "kind": str(self.kind),
            "arguments": dict(self.arguments),
            "issued_at": self.issued_at,
            "expires_at": self.expires_at,
        }

    @classmethod
    def of(cls, statement: Mapping[str, Any]) -> "Command":
        """Raises BadCommand."""
        try:
            return cls(
                Address(UUID(statement["tenant"]), UUID(statement["device"])),
                UUID(statement["command"]),
                CommandKind(statement["kind"]),
                dict(statement["arguments"]),
                float(statement["issued_at"]),
                float(statement["expires_at"]),
            )
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise BadCommand(f"no command that this protocol knows: {error}") from None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a device says on `command/{id}/response`. `result` is plain JSON of at most 16 KB;
    `error` is told to people where the status is not SUCCEEDED."""

    status: AnswerStatus
    result: Mapping[str, Any]
    error: str | None = None

    def body(self) -> dict[str, Any]:
        return {"status": str(self.status), "result": dict(self.result), "error": self.error}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Answer":
        """Raises BadCommand."""
        try:
            error = body.get("error")
            return cls(
                AnswerStatus(body["status"]),
                dict(body.get("result") or {}),
                str(error)[:2_000] if error is not None else None,
            )
        except (KeyError, ValueError, TypeError) as error:
            raise BadCommand(f"no answer that this protocol knows: {error}") from None
