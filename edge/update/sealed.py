"""A document on disk with its own sha256 before it: a torn or rotten one is known."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.home import replace_file


class Damaged(ValueError):
    """What is there cannot be read, or is not what was written."""


def seal(path: Path, document: Mapping[str, Any]) -> None:
    """In the place of what was there, durable. Raises HomeError."""
    content = json.dumps(document, separators=(",", ":")).encode()
    replace_file(path, hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def unsealed(path: Path) -> dict[str, Any]:
    """Raises FileNotFoundError, Damaged."""
    try:
        digest, _, content = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest().encode() != digest:
        raise Damaged(f"{path} is damaged")
    try:
        return dict(json.loads(content))
    except (ValueError, TypeError) as error:
        raise Damaged(f"{path} holds no document: {error}") from None
