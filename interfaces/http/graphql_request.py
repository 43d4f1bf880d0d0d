"""Reading a GraphQL request (GraphQL over HTTP): a POST of one JSON object, in good time.

The body is at most 1 MB of plain JSON and arrives within 20 s; whoever sends it more slowly holds
a connection and nothing else. Anything but application/json is refused, since a page of any origin
can send forms and plain text without asking.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from domain.refusal import Refusal, RefusalCode, invalid

LONGEST_BODY = 1_000_000
BODY_SECONDS = 20.0


class BadRequest(Exception):
    """What was sent is no GraphQL request; `status` says in what way."""

    def __init__(self, refusal: Refusal, status: int, close: bool = False) -> None:
        super().__init__(refusal.message)
        self.refusal, self.status, self.close = refusal, status, close


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """`body` is the whole object; the others are its parts, of the types they must have."""

    body: dict[str, Any]
    operation_name: str | None
    variables: dict[str, Any] | None
    extensions: dict[str, Any] | None


async def read_request(request: Request) -> GraphQLRequest:
    """Raises BadRequest."""
    _require_json(request)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _body(request)
    except TimeoutError:
        message = f"The body did not arrive within {BODY_SECONDS:g} s. Send it again."
        raise BadRequest(Refusal(RefusalCode.INVALID, message), 408, close=True) from None
    except ClientDisconnect:
        raise BadRequest(invalid("body", "The body was cut off."), 400, close=True) from None
    return _parsed(body)


def _require_json(request: Request) -> None:
    content_type, _, parameters = request.headers.get("content-type", "").partition(";")
    if content_type.strip().lower() != "application/json":
        refusal = invalid("Content-Type", "Send Content-Type: application/json.")
        raise BadRequest(refusal, 415)
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if charset.startswith("charset=") and charset not in ("charset=utf-8", "charset=utf8"):
        raise BadRequest(invalid("Content-Type", "JSON is sent in UTF-8."), 415)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        refusal = invalid("Content-Encoding", "Send the body as it is, without compression.")
        raise BadRequest(refusal, 415)


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > LONGEST_BODY:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise _too_large()
    return bytes(body)


def _too_large() -> BadRequest:
    message = f"A request has at most {LONGEST_BODY:,} bytes. Files go to /uploads."
    return BadRequest(Refusal(RefusalCode.TOO_LARGE, message), 413, close=True)


def _parsed(body: bytes) -> GraphQLRequest:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _bad("body", f"The body is not JSON: {error}") from None
    if isinstance(found, list):
        raise _bad("body", "Send one operation a request; batches are not taken.")
    if not isinstance(found, dict):
        raise _bad("body", "The body must be a JSON object with a `query`.")
    for name, type_ in (("query", str), ("operationName", str), ("documentId", str)):
        if not isinstance(found.get(name), type_ | None):
            raise _bad(name, f"`{name}` must be a string.")
    for name in ("variables", "extensions"):
        if not isinstance(found.get(name), dict | None):
            raise _bad(name, f"`{name}` must be an object.")
    return GraphQLRequest(
        found, found.get("operationName"), found.get("variables"), found.get("extensions")
    )


def _bad(field: str, message: str) -> BadRequest:
    return BadRequest(invalid(field, message), 400)
