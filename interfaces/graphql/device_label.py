"""Labels: names and values by which people sort devices, and selectors such as `site=berlin`."""

from collections.abc import Mapping, Sequence

import strawberry

from domain.device_description import MOST
from domain.refusal import invalid
from interfaces.graphql.reading import checked_text


@strawberry.type
class Label:
    name: str
    value: str


@strawberry.input
class LabelInput:
    name: str
    value: str


def labels_of(held: Mapping[str, str]) -> list[Label]:
    """By name."""
    return [Label(name=name, value=value) for name, value in sorted(held.items())]


def given_labels(labels: Sequence[LabelInput], field: str = "labels") -> dict[str, str]:
    """Raises Refusal(INVALID) for a name given twice."""
    given = {label.name: label.value for label in labels}
    if len(given) != len(labels):
        raise invalid(field, "A label is given twice. Give each name once.")
    return given


def selected_labels(selectors: Sequence[str], field: str) -> dict[str, str]:
    """What `site=berlin` selects, all of them at once. Raises Refusal(INVALID)."""
    if len(selectors) > MOST:
        raise invalid(field, f"Give at most {MOST} selectors.")
    wanted: dict[str, str] = {}
    for selector in selectors:
        name, equals, value = checked_text(field, selector).partition("=")
        if not equals or not name:
            raise invalid(field, "A selector is NAME=VALUE, such as site=berlin.")
        if wanted.setdefault(name, value) != value:
            raise invalid(field, f"No device has two values of {name}. Select one.")
    return wanted
