"""A refusal is how Edgewise says no: a stable code, the field at fault and a remedy in words.

Refusals are the caller's to mend, are never retried by the platform, and read the same in
GraphQL (`userErrors`), over HTTP (JSON body) and in the CLI (one line and exit code 1).
"""

from enum import StrEnum


class RefusalCode(StrEnum):
    """Stable, public codes. A new reason gets a new code; codes never change their meaning."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    NAME_TAKEN = "NAME_TAKEN"
    CONFLICT = "CONFLICT"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    RATE_LIMITED = "RATE_LIMITED"
    TOO_LARGE = "TOO_LARGE"
    FEATURE_DISABLED = "FEATURE_DISABLED"
    MODEL_REFUSED = "MODEL_REFUSED"
    DATASET_REFUSED = "DATASET_REFUSED"
    INVALID_STATE = "INVALID_STATE"
    PROJECTION_LAGGING = "PROJECTION_LAGGING"
    UNAVAILABLE = "UNAVAILABLE"
    NO_WORKER = "NO_WORKER"
    INSUFFICIENT_STORAGE = "INSUFFICIENT_STORAGE"


class Refusal(Exception):
    """The request cannot be carried out; nothing was changed.

    `field` is the input at fault as a dotted path, or None when no single field is.
    """

    def __init__(self, code: RefusalCode, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


def not_found(what: str, field: str = "id") -> Refusal:
    """The one answer for an object that does not exist and for another tenant's object."""
    return Refusal(
        RefusalCode.NOT_FOUND,
        f"There is no such {what} here. Check the {field}.",
        field,
    )


def invalid(field: str, message: str) -> Refusal:
    """An input that fails its own rule; `message` says the rule and the remedy."""
    return Refusal(RefusalCode.INVALID, message, field)
