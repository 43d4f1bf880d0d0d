"""The model that is to run: as the twin names it, `{"artifact", "sha256", "bytes", "format",
"name"}`, or as a release brought it to the slot that is switched to. A release wins.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

SUFFIX = {"ONNX": ".onnx", "TFLITE": ".tflite"}
MOST_BYTES = 1 << 36


class BadWish(ValueError):
    """The document names no model that could be fetched; the message says why."""


@dataclass(frozen=True, slots=True)
class Wish:
    artifact: UUID
    sha256: str
    bytes: int
    format: str
    name: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Wish":
        """Raises BadWish."""
        try:
            artifact = UUID(document["artifact"])
        except (KeyError, ValueError, TypeError, AttributeError):
            raise BadWish("artifact must be a UUID") from None
        sha256, size, format = (document.get(name) for name in ("sha256", "bytes", "format"))
        if not isinstance(sha256, str) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise BadWish("sha256 must be 64 hexadecimal digits")
        if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= MOST_BYTES:
            raise BadWish("bytes must be the size of the file")
        if format not in SUFFIX:
            raise BadWish(f"format must be one of {', '.join(SUFFIX)}")
        return cls(artifact, sha256, size, str(format), str(document.get("name", ""))[:200])

    def document(self) -> dict[str, Any]:
        """As the twin names it."""
        return {
            "artifact": str(self.artifact),
            "sha256": self.sha256,
            "bytes": self.bytes,
            "format": self.format,
            "name": self.name,
        }

    @property
    def file_name(self) -> str:
        return self.sha256 + SUFFIX[self.format]


@dataclass(frozen=True, slots=True)
class Installed:
    """The model of the release in the current slot."""

    release: str
    path: Path
    sha256: str
    bytes: int
    format: str
    name: str

    def document(self) -> dict[str, Any]:
        """As a wish, with the release in the place of an artifact."""
        return {
            "release": self.release,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "format": self.format,
            "name": self.name,
        }
