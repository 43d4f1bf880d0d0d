"""One setting out of the environment, read and checked."""

from collections.abc import Mapping
from pathlib import Path


class BadSetting(ValueError):
    """A setting that cannot be; the message names it and the remedy."""


def number(
    environment: Mapping[str, str], name: str, default: int, lowest: int, highest: int
) -> int:
    """Raises BadSetting."""
    text = environment.get(name) or str(default)
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise BadSetting(f"{name} is “{text}”: give a whole number from {lowest} to {highest}.")
    return int(text)


def path(text: str | None) -> Path | None:
    return Path(text).expanduser().absolute() if text else None
