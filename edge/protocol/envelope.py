"""The envelope around every message: JSON of at most 32 KB with `v`, `id`, `ts`, `boot_id`, `seq`
and `body`.

`ts` is the sender's clock in seconds since 1970 and is never trusted; `boot_id` names one run of
the device, and `seq` counts its messages from 1: what arrives twice is known by both.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

VERSION = 1
MOST_BYTES = 32_768
MOST_DEPTH = 24


class BadEnvelope(ValueError):
    """Not a message of this protocol; the text says why, and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Envelope:
    boot_id: UUID
    seq: int
    ts: float
    body: Mapping[str, Any]
    id: UUID = field(default_factory=uuid4)


def encoded(envelope: Envelope) -> bytes:
    """Raises BadEnvelope where it is over MOST_BYTES or holds a number that JSON has not."""
    document = {
        "v": VERSION,
        "id": str(envelope.id),
        "ts": envelope.ts,
        "boot_id": str(envelope.boot_id),
        "seq": envelope.seq,
        "body": envelope.body,
    }
    try:
        text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise BadEnvelope(f"the body is not plain JSON: {error}") from error
    if len(text) > MOST_BYTES:
        raise BadEnvelope(f"{len(text):,} bytes are more than {MOST_BYTES:,}")
    return text


def decoded(payload: bytes) -> Envelope:
    """Raises BadEnvelope."""
    document = plain_json(payload)
    version = document.get("v")
    if version != VERSION:
        raise BadEnvelope(f"protocol version {str(version)[:20]!r} instead of {VERSION}")
    body, seq, ts = document.get("body"), document.get("seq"), document.get("ts")
    if not isinstance(body, dict):
        raise BadEnvelope("body is not an object")
    if not isinstance(seq, int) or isinstance(seq, bool) or not 1 <= seq < 2**63:
        raise BadEnvelope("seq is not a whole number from 1 on")
    if isinstance(ts, bool) or not isinstance(ts, (int, float)) or not abs(ts) < 1e11:
        raise BadEnvelope("ts is not a time in seconds")
    return Envelope(_uuid(document, "boot_id"), seq, float(ts), body, _uuid(document, "id"))


def plain_json(payload: bytes) -> dict[str, Any]:
    """A JSON object of at most MOST_BYTES, nested MOST_DEPTH deep at most, without NaN, infinities
    or a key given twice. Raises BadEnvelope."""
    if len(payload) > MOST_BYTES:
        raise BadEnvelope(f"{len(payload):,} bytes are more than {MOST_BYTES:,}")
    try:
        document = json.loads(
            payload.decode(), parse_constant=_no_number, object_pairs_hook=_once_each
        )
    except RecursionError:
        raise BadEnvelope(f"nested more than {MOST_DEPTH} deep") from None
    except BadEnvelope:
        raise
    except ValueError:
        raise BadEnvelope("not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise BadEnvelope("not a JSON object")
    if depth_of(document) > MOST_DEPTH:
        raise BadEnvelope(f"nested more than {MOST_DEPTH} deep")
    return document


def depth_of(document: Any) -> int:
    """How deep objects and arrays are nested; 0 for a plain value."""
    depth, level = 0, [document]
    while level := [one for one in level if isinstance(one, (dict, list))]:
        depth += 1
        level = [
            inner for one in level for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return depth


def _uuid(document: Mapping[str, Any], name: str) -> UUID:
    try:
        return UUID(document[name])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise BadEnvelope(f"{name} is not a UUID") from None


def _no_number(_constant: str) -> float:
    raise BadEnvelope("NaN and infinities are no JSON numbers")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise BadEnvelope("a key is given twice")
    return document
