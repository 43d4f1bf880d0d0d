"""What a pass's process told, or how it ended, as the outcome of a variant. What comes from it is
not trusted to be well formed."""

from collections.abc import Mapping
from typing import Any

from application.ports.engine import EngineCrashed
from domain.declared import Route
from domain.optimization import Outcome, VariantResult

MOST_LIBRARIES = 50


def not_made(way: Route, told: Mapping[str, Any]) -> VariantResult:
    """As the process told it, without what belongs to a file."""
    return VariantResult(
        name=way.name,
        made_by=way.made_by.made_by,
        outcome=Outcome(told["outcome"]),
        reason=told["reason"],
        code=told["code"],
        seconds=told["seconds"],
        peak_memory_bytes=told["peak"],
        versions=_plain_versions(told.get("versions")),
    )


def _plain_versions(told: object) -> dict[str, str]:
    """What comes from the child is not trusted to be well formed."""
    pairs = list(told.items())[:MOST_LIBRARIES] if isinstance(told, dict) else []
    return {str(name)[:100]: str(version)[:100] for name, version in pairs}


def crashed(crash: EngineCrashed) -> dict[str, Any]:
    """The outcome of a pass whose process ended. Raises what another attempt may mend."""
    if crash.retryable:
        raise crash
    reason = f"The pass did not end: {crash.detail}"
    return {"outcome": Outcome.FAILED, "code": f"CRASHED_{crash.kind}", "reason": reason}
