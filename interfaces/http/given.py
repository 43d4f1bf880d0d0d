"""What a client sends to sign in: a small JSON object, or a form.

A foreign page can make a browser send a form unasked, but not JSON with its content type.
"""

from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.requests import Request

from domain.refusal import Refusal, RefusalCode, invalid

LONGEST_BODY = 20_000
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip() == FORM


async def given_by(request: Request) -> dict[str, Any]:
    """The body, as JSON or as a form. Raises Refusal(INVALID), Refusal(TOO_LARGE)."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise Refusal(RefusalCode.TOO_LARGE, f"Send at most {LONGEST_BODY:,} bytes.")
    if is_form(request):
        try:
            fields = parse_qs(body.decode("utf-8", "replace"), True, max_num_fields=20)
        except ValueError:
            raise invalid("body", "The form has too many fields.") from None
        return {name: values[-1] for name, values in fields.items()}
    if request.headers.get("content-type", "").partition(";")[0].strip() != JSON:
        raise invalid("content-type", f"Send {JSON}, or a form as {FORM}.")
    try:
        given = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise invalid("body", "Send a JSON object.")
    return given


def text_of(given: dict[str, Any], name: str, default: str | None = None) -> str:
    value = given.get(name, default)
    if not isinstance(value, str):
        raise invalid(name, f"Give {name} as a text.")
    return value
