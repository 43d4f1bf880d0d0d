"""What PostgreSQL can hold: it has no U+0000 in text or jsonb."""

from typing import Any


def shown(value: Any) -> Any:
    """The value with U+FFFD in place of U+0000, wherever there is one: a name out of a hostile file
    must not stop a view. The event keeps what was there."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {shown(key): shown(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [shown(inner) for inner in value]
    return value
