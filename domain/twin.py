"""A device's twin: what is desired of it, and what it reports, as two JSON documents with versions.

What is desired changes by JSON merge patches (RFC 7396), and only from the version that the caller
saw, if it names one. A device reports its whole document. null stands for nothing in both: a member
that is null is not there; inside a list it is a value like others.
"""

import json
from collections.abc import Mapping
from typing import Any

from domain.refusal import Refusal, RefusalCode, invalid

MOST_BYTES = 8_192
MOST_DEPTH = 8
MOST_INTEGER = 2**53

Document = Mapping[str, Any]


def merged(document: Document, patch: Document) -> dict[str, Any]:
    """The document after the merge patch, RFC 7396."""
    made = dict(document)
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        elif isinstance(value, Mapping):
            before = made.get(name)
            made[name] = merged(before if isinstance(before, Mapping) else {}, value)
        else:
            made[name] = value
    return made


def difference(before: Document, after: Document) -> dict[str, Any]:
    """The merge patch that makes `after` of `before`; empty where they are the same."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        was = before.get(name)
        if isinstance(value, Mapping) and isinstance(was, Mapping):
            if inner := difference(was, value):
                patch[name] = inner
        elif name not in before or not _same(was, value):
            patch[name] = value
    return patch


def delta(desired: Document, reported: Document) -> dict[str, Any]:
    """What the device does not report as desired: only what is desired counts, as in the shadows of
    AWS IoT. What it reports beyond that is its own."""
    return {
        name: delta(value, reported[name])
        if isinstance(value, Mapping) and isinstance(reported.get(name), Mapping)
        else value
        for name, value in desired.items()
        if not _reported_as(value, reported.get(name))
    }


def require_version(present: int, seen: int | None) -> None:
    """Raises Refusal(CONFLICT) unless the desired document has the version that was seen, if any
    was named."""
    if seen is not None and seen != present:
        raise Refusal(
            RefusalCode.CONFLICT,
            f"The desired document has version {present} by now, and not {seen}. Look at it, and "
            "try again with that version.",
            "version",
        )


def checked_patch(patch: Document) -> Document:
    """The patch, before it is applied. Raises Refusal(INVALID) where it is too deep for that, or
    no document could hold what is in it."""
    _check_values(patch, "patch")
    return patch


def checked_document(document: Document, field: str) -> dict[str, Any]:
    """The document without nulls. Raises Refusal(INVALID or TOO_LARGE) naming the field."""
    _check_values(document, field)
    plain: dict[str, Any] = merged({}, document)
    try:
        text = json.dumps(plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        size = len(text.encode())
    except (ValueError, TypeError):
        raise invalid(field, "Give plain JSON: no NaN, no infinity, no half of a pair.") from None
    if size > MOST_BYTES:
        raise Refusal(
            RefusalCode.TOO_LARGE,
            f"The document would have {size:,} bytes, of {MOST_BYTES:,} at most. Keep what is "
            "large in an artifact, and only its name here.",
            field,
        )
    return plain


def _check_values(document: Document, field: str) -> None:
    level: list[Any] = [document]
    for _ in range(MOST_DEPTH):
        inner = [
            value for one in level for value in (one.values() if isinstance(one, Mapping) else one)
        ]
        if any(isinstance(value, int) and abs(value) > MOST_INTEGER for value in inner):
            raise invalid(field, "Whole numbers go to 2^53, as in JavaScript. Write it as text.")
        level = [value for value in inner if isinstance(value, (Mapping, list))]
        if not level:
            return
    raise invalid(field, f"The document is nested more than {MOST_DEPTH} deep. Make it flatter.")


def _reported_as(wanted: Any, reported: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(reported, Mapping) and not delta(wanted, reported)
    return _same(wanted, reported)


def _same(one: Any, other: Any) -> bool:
    """As JSON: true is not 1, at whatever depth."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
