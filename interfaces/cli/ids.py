"""Ids as people see and give them: a UUID or its beginning; and as the API has them: Relay ids.

A Relay id is the base64 of `Type:uuid`. People are shown the UUID, in lists its first eight
digits, and may give any of these.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from uuid import UUID

from interfaces.cli.refused import CommandRefused

SHORT = 8
_BEGINNING = re.compile(r"[0-9a-f]{4,32}")


def uuid_of(relay_id: str) -> str:
    """The UUID in a Relay id; what is none is given back as it is."""
    try:
        kind, _, inner = base64.b64decode(relay_id, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return relay_id
    return inner if kind and inner else relay_id


def short(relay_id: str) -> str:
    return uuid_of(relay_id)[:SHORT]


def relay_id(kind: str, wanted: str) -> str | None:
    """The Relay id that `wanted` is or stands for; None when it is neither that nor a UUID."""
    inner = uuid_of(wanted)
    try:
        canonical = str(UUID(inner))
    except ValueError:
        return None
    if inner != wanted and not _is_of(kind, wanted):
        return None
    return base64.b64encode(f"{kind}:{canonical}".encode()).decode()


def is_id(wanted: str) -> bool:
    """Whether it is a UUID or a Relay id, of whatever kind."""
    return uuid_of(wanted) != wanted or relay_id("", wanted) is not None


def by_beginning(wanted: str, relay_ids: Iterable[str], what: str) -> str | None:
    """The one id whose UUID begins so. Refuses AMBIGUOUS when there are several."""
    beginning = wanted.lower().replace("-", "")
    if not _BEGINNING.fullmatch(beginning):
        return None
    found = [held for held in relay_ids if uuid_of(held).replace("-", "").startswith(beginning)]
    if len(found) > 1:
        raise CommandRefused("AMBIGUOUS", f"Several {what}s begin with {wanted}. Give more of it.")
    return found[0] if found else None


def _is_of(kind: str, wanted: str) -> bool:
    return base64.b64decode(wanted).decode().startswith(f"{kind}:")
