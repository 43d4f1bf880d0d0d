"""A question about devices: which of them are meant, by what is known of them."""

from dataclasses import dataclass, field, replace
from uuid import UUID

from domain.device_description import checked_group, checked_labels
from domain.naming import checked_name


@dataclass(frozen=True, slots=True)
class DeviceQuery:
    """All that is given must hold: every label, online or not, the group, the profile; `text` is
    somewhere in the name, whatever its case. What is None is not asked for."""

    labels: dict[str, str] = field(default_factory=dict)
    online: bool | None = None
    group: str | None = None
    profile_id: UUID | None = None
    text: str | None = None

    def checked(self) -> "DeviceQuery":
        """Raises Refusal naming the field."""
        return replace(
            self,
            labels=checked_labels(self.labels),
            group=checked_group(self.group),
            text=None if self.text is None else checked_name(self.text, "text"),
        )
