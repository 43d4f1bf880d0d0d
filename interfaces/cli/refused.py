"""How a command fails: with a stable code, the field at fault and words that say the remedy.

Everything that a command cannot do ends as `CommandRefused`; `main` prints it in one place, as one
line on standard error or as one JSON object with `--json`.
"""

from collections.abc import Sequence
from typing import Any

LONGEST_MESSAGE = 1_000


class CommandRefused(Exception):
    """The command was not carried out. `field` is the input at fault, if one is."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field

    def as_json(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message, "field": self.field}}

    def as_line(self) -> str:
        where = f" [{self.field}]" if self.field else ""
        # A server may repeat the whole of a bad input.
        words = self.message
        if len(words) > LONGEST_MESSAGE:
            words = words[:LONGEST_MESSAGE] + "…"
        return f"error: {self.code}{where}: {words}"


class ServerAway(CommandRefused):
    """The server could not be reached, or broke off in the middle."""

    def __init__(self, message: str) -> None:
        super().__init__("UNAVAILABLE", message)


def not_found(
    what: str, wanted: str, field: str, at: dict[str, Any] | None = None
) -> CommandRefused:
    """The server, or a list that it gave, has no such object, or had none `at` that moment."""
    words = f"There is no {what} “{wanted}” here."
    if at is not None:
        words = f"There was no {what} “{wanted}” at that moment."
    return CommandRefused("NOT_FOUND", words, field)


def of_user_errors(errors: Sequence[dict[str, Any]]) -> CommandRefused:
    """The refusal in a mutation's payload: the first is the code, all are told."""
    first = errors[0]
    message = " ".join(str(error["message"]) for error in errors)
    return CommandRefused(str(first["code"]), message, first.get("field"))


def of_graphql_errors(errors: Sequence[dict[str, Any]]) -> CommandRefused:
    """The refusal of a whole document: what stands in `extensions` when the server says why."""
    first = errors[0]
    extensions = first.get("extensions") or {}
    path = ".".join(str(part) for part in first.get("path") or ())
    code = str(extensions.get("code") or "GRAPHQL_ERROR")
    return CommandRefused(code, str(first.get("message")), extensions.get("field") or path or None)
