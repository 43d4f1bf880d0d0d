"""The rows that a question about devices means."""

from typing import Any

from application.ports.reads import Where
from domain.device_query import DeviceQuery


def device_where(query: DeviceQuery, *, decommissioned: bool | None = False) -> Where:
    """Of `devices`; None for those in service and those that are not."""
    asked: dict[str, Any] = {
        "decommissioned": decommissioned,
        "profile_id": query.profile_id,
        "group_name": query.group,
        "online": query.online,
    }
    labels = tuple(sorted(query.labels.items()))
    return Where(
        equal=tuple((column, value) for column, value in asked.items() if value is not None),
        containing=(("name", query.text),) if query.text else (),
        having=(("labels", labels),) if labels else (),
    )
