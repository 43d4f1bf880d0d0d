"""Global ids: base64 of `Type:uuid`. A bare UUID is taken wherever an id is asked for.

An id of another type names nothing here and is NOT_FOUND; what is no id at all is INVALID.
"""

import base64
import binascii
import re
from uuid import UUID

import strawberry

from domain.refusal import invalid, not_found

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
LONGEST_ID = 200


@strawberry.interface(description="Anything that can be asked for again by its id.")
class Node:
    id: strawberry.ID


def global_id(type_name: str, id: UUID) -> strawberry.ID:
    """The id of an object for clients."""
    found = binascii.b2a_base64(f"{type_name}:{id}".encode(), newline=False)
    return strawberry.ID(found.decode())


def pair_id(type_name: str, one: UUID, other: UUID) -> strawberry.ID:
    """The id of something that two other things have together."""
    return strawberry.ID(base64.b64encode(f"{type_name}:{one}/{other}".encode()).decode())


def bare_id(id: UUID) -> strawberry.ID:
    """The id of something that is no node: a stream, an upload."""
    return strawberry.ID(str(id))


def parsed_id(type_name: str, value: str, field: str) -> UUID:
    """The UUID in an id of this type. Raises Refusal naming the field."""
    found, id = parsed_any_id(value, field)
    if found not in (None, type_name):
        raise not_found(_WORDS.get(type_name, type_name), field)
    return id


def parsed_pair(type_name: str, value: str) -> tuple[UUID, UUID] | None:
    """The two UUIDs in an id of `pair_id`; None for any other text."""
    try:
        text = base64.b64decode(value[:LONGEST_ID].encode(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    found, _, pair = text.partition(":")
    one, _, other = pair.partition("/")
    if found != type_name or not _UUID.fullmatch(one) or not _UUID.fullmatch(other):
        return None
    return UUID(one), UUID(other)


def parsed_any_id(value: str, field: str) -> tuple[str | None, UUID]:
    """The type (None for a bare UUID) and the UUID. Raises Refusal(INVALID) naming the field."""
    if _UUID.fullmatch(value):
        return None, UUID(value)
    try:
        text = base64.b64decode(value[:LONGEST_ID].encode(), validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    type_name, _, id = text.partition(":")
    if not type_name or len(value) > LONGEST_ID or not _UUID.fullmatch(id):
        raise invalid(field, "This is not an id. Give an id that this API has given.")
    return type_name, UUID(id)


_WORDS = {
    "ApiKey": "API key",
    "DeviceProfile": "device profile",
    "DeviceClaim": "device claim",
    "DeviceCommand": "device command",
    "DeviceGroup": "device group",
    **{
        name: name.lower()
        for name in (
            "Model",
            "Artifact",
            "Dataset",
            "Job",
            "Tenant",
            "Upload",
            "Invitation",
            "Device",
        )
    },
}
