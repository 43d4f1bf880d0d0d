"""docker-compose.yml as Docker would read it: variables filled in, one mapping a service."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
SERVER = ("migrate", "api", "projector", "worker", "gateway")

_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::([?-])([^}]*))?\})")


class Unset(KeyError):
    """A variable that is required has no value."""


@dataclass(frozen=True)
class Variable:
    """A variable that the file asks for."""

    name: str
    required: bool
    default: str


def variables() -> list[Variable]:
    found = _VARIABLE.finditer(_uncommented(FILE.read_text()))
    return [Variable(one[2], one[3] == "?", one[4] or "") for one in found if one[2] is not None]


def example() -> dict[str, str]:
    """The variables of .env.example that are not commented out."""
    lines = [line for line in EXAMPLE.read_text().splitlines() if re.match(r"\w+=", line)]
    return dict(line.split("=", 1) for line in lines)


def document(values: Mapping[str, str]) -> dict[str, Any]:
    """The file with these values of its variables. Raises Unset."""
    filled = _filled(yaml.safe_load(FILE.read_text()), values)
    assert isinstance(filled, dict)
    return filled


def services(values: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = document(values)["services"]
    return found


def _filled(node: Any, values: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _filled(inner, values) for key, inner in node.items()}
    if isinstance(node, list):
        return [_filled(inner, values) for inner in node]
    return _VARIABLE.sub(lambda found: _value(found, values), node) if _is_text(node) else node


def _value(found: re.Match[str], values: Mapping[str, str]) -> str:
    dollar, name, how, rest = found.groups()
    if dollar:
        return "$"
    if values.get(name):
        return values[name]
    if how != "-":
        raise Unset(name)
    return rest or ""


def _is_text(node: Any) -> bool:
    return isinstance(node, str)


def _uncommented(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
