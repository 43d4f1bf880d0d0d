"""Writing a GraphQL answer (GraphQL over HTTP): media type, status and JSON.

A client that accepts `application/graphql-response+json` gets it, and 400 for a request that could
not be carried out. Others get `application/json`, which says 200 for every well-formed request. A
tenant that has spent what it may gets 429 with Retry-After in both.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.responses import Response
from strawberry.types import ExecutionResult

from interfaces.graphql.spending import RATE_LIMITED

GRAPHQL, JSON = "application/graphql-response+json", "application/json"


def answer(result: ExecutionResult, accept: str | None) -> Response:
    """The answer to a request that was understood."""
    errors = result.errors or []
    media_type = media_type_for(accept)
    body: dict[str, Any] = {}
    if errors:
        body["errors"] = [error.formatted for error in errors]
    refused = _was_refused(result.data, errors)
    if not refused:
        body["data"] = result.data
    if result.extensions:
        body["extensions"] = result.extensions
    status = 400 if refused and media_type == GRAPHQL else 200
    headers = {"Vary": "Accept"}
    if wait := _retry_after(errors):
        status, headers["Retry-After"] = 429, str(wait)
    content_type = f"{media_type}; charset=utf-8"
    return Response(encoded(body), status, headers, content_type)


def encoded(body: Any) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        # Whole numbers beyond 64 bits, and lone surrogates: the standard library has a way.
        return json.dumps(body).encode()


@lru_cache(256)
def media_type_for(accept: str | None) -> str:
    """The better one that is accepted; JSON when neither is."""
    best, chosen = 0.0, JSON
    for part in (accept or JSON).split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        weight = _weight(parameters)
        found = {GRAPHQL: GRAPHQL, JSON: JSON, "application/*": JSON, "*/*": JSON}.get(name)
        if found is not None and weight > best:
            best, chosen = weight, found
    return chosen


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def _was_refused(data: object, errors: Sequence[GraphQLError]) -> bool:
    """Whether nothing was carried out: an error of a field has a path, one of a request has not."""
    return data is None and bool(errors) and all(error.path is None for error in errors)


def _retry_after(errors: Sequence[GraphQLError]) -> int | None:
    for error in errors:
        if error.extensions and error.extensions.get("code") == RATE_LIMITED:
            wait: int = error.extensions["retryAfter"]
            return wait
    return None
