"""How people know a device: by its name, its group, its profile, and labels of their own such as
site=berlin, by which groups are made."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from domain.naming import checked_name
from domain.refusal import invalid

MOST = 32
_KEY = re.compile("[a-z0-9](?:[a-z0-9._/-]{0,61}[a-z0-9])?")


def checked_labels(labels: Mapping[str, str], field: str = "labels") -> dict[str, str]:
    """Raises Refusal naming the field."""
    if len(labels) > MOST:
        raise invalid(field, f"Give at most {MOST} labels.")
    for key in labels:
        if not _KEY.fullmatch(key):
            raise invalid(
                field,
                f"The label “{key[:80]}” cannot be: use 1 to 63 of a-z, 0-9, dot, dash, underscore "
                "and slash, with a letter or digit at both ends.",
            )
    return {key: checked_name(value, f"{field}.{key}") for key, value in labels.items()}


def checked_group(group: str | None, field: str = "group") -> str | None:
    """None for no group; raises Refusal naming the field."""
    return checked_name(group, field) if group is not None else None


@dataclass(frozen=True, slots=True)
class Description:
    """`profile_id` is that of a device profile, of which its hardware is told."""

    name: str
    labels: dict[str, str]
    group: str | None = None
    profile_id: UUID | None = None

    def checked(self) -> "Description":
        """Raises Refusal naming the field."""
        return replace(
            self,
            name=checked_name(self.name),
            labels=checked_labels(self.labels),
            group=checked_group(self.group),
        )
