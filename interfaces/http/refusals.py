"""How a refusal reads over HTTP: `{"error": {"code", "message", "field"}}` and a status."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from domain.refusal import Refusal, RefusalCode
from domain.user import TooManyTries

_STATUS = {
    RefusalCode.UNAUTHENTICATED: 401,
    RefusalCode.FORBIDDEN: 403,
    RefusalCode.FEATURE_DISABLED: 403,
    RefusalCode.NOT_FOUND: 404,
    RefusalCode.CONFLICT: 409,
    RefusalCode.NAME_TAKEN: 409,
    RefusalCode.INVALID_STATE: 409,
    RefusalCode.IDEMPOTENCY_MISMATCH: 409,
    RefusalCode.TOO_LARGE: 413,
    RefusalCode.QUOTA_EXCEEDED: 429,
    RefusalCode.RATE_LIMITED: 429,
    RefusalCode.PROJECTION_LAGGING: 503,
    RefusalCode.UNAVAILABLE: 503,
    RefusalCode.INSUFFICIENT_STORAGE: 507,
}


def status_of(refusal: Refusal) -> int:
    return _STATUS.get(refusal.code, 400)


def refusal_response(
    refusal: Refusal, status: int | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer; without `status`, the one that belongs to the code, 400 for the rest."""
    status = status or status_of(refusal)
    headers = dict(headers or {})
    if isinstance(refusal, TooManyTries):
        headers["Retry-After"] = str(refusal.retry_after)
    if status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    error = {"code": refusal.code.value, "message": refusal.message, "field": refusal.field}
    return JSONResponse({"error": error}, status, headers)
