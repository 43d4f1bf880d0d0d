"""Fields that stay on the device: dropped, or replaced by an HMAC-SHA256 by a key of this device,
so that equal values are still seen to be equal there, and nowhere else. Done as an event leaves, so
that a change holds for what was logged before, too; at whatever depth the field is.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

KEPT = ("at", "kind")


class Privacy:
    def __init__(self, key: bytes, drop: tuple[str, ...], hash: tuple[str, ...]) -> None:
        self._key, self._drop, self._hash = key, frozenset(drop), frozenset(hash)
        self.idle = not drop and not hash

    def cleared(self, event: dict[str, Any]) -> dict[str, Any]:
        """What may leave of it."""
        if self.idle:
            return event
        kept = {name: event[name] for name in KEPT if name in event}
        return kept | self._mapping({name: event[name] for name in event if name not in KEPT})

    def _mapping(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self._hashed(value) if name in self._hash else self._value(value)
            for name, value in found.items()
            if name not in self._drop
        }

    def _value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, list):
            return [self._value(one) for one in value]
        return value

    def _hashed(self, value: Any) -> str:
        text = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        return "hmac:" + hmac.new(self._key, text, hashlib.sha256).hexdigest()[:32]
