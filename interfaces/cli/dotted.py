"""JSON documents as people type and read them: `interval=5`, `camera.fps=30`, one value a line.

A dot leads into an object. A value is JSON, and a text where it is none: `name=lamp`, `on=true`,
`sizes=[1,2]`, `old=null`. A name that has a dot or an equals sign itself stands in double quotes:
`configuration."log.level"=DEBUG`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from interfaces.cli.refused import CommandRefused

_NAME = r'(?:"[^"]+"|[^".=]+)'
_ASSIGNMENT = re.compile(rf"({_NAME}(?:\.{_NAME})*)=(.*)", re.DOTALL)
_PLAIN = re.compile(r'[^".=]+')


def patch_of(assignments: Iterable[str], field: str) -> dict[str, Any]:
    """Refuses INVALID naming `field`."""
    made: dict[str, Any] = {}
    for assignment in assignments:
        found = _ASSIGNMENT.fullmatch(assignment)
        if found is None:
            raise CommandRefused(
                "INVALID", f"“{assignment}” is no KEY=VALUE, such as interval=5.", field
            )
        path, text = found[1], found[2]
        names = [name.strip('"') for name in re.findall(_NAME, path)]
        inner = made
        for name in names[:-1]:
            inner = inner.setdefault(name, {})
            if not isinstance(inner, dict):
                raise _given_twice(path, field)
        if names[-1] in inner:
            raise _given_twice(path, field)
        inner[names[-1]] = value_of(text)
    return made


def value_of(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text


def object_of(text: str, field: str) -> dict[str, Any]:
    """A JSON object. Refuses INVALID naming `field`."""
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise CommandRefused("INVALID", f"This is not JSON: {error}", field) from None
    if not isinstance(found, dict):
        raise CommandRefused("INVALID", "Give a JSON object.", field)
    return found


def flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Paths and their plain values, lists or empty objects, by name."""
    for name, value in sorted(document.items()):
        path = prefix + (name if _PLAIN.fullmatch(name) else f'"{name}"')
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{path}.")
        else:
            yield path, value


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


def _given_twice(path: str, field: str) -> CommandRefused:
    return CommandRefused("INVALID", f"{path} is given twice, in two ways.", field)
