"""Which devices a list is about."""

from dataclasses import replace

import strawberry

from application.ports.reads import Where
from application.views.device_where import device_where
from domain.device_query import DeviceQuery
from interfaces.graphql.batching import Batched
from interfaces.graphql.device_label import selected_labels
from interfaces.graphql.device_profile import require_profile
from interfaces.graphql.node import parsed_id
from interfaces.graphql.reading import checked_text


@strawberry.input(
    description="All that is given must hold. `labels` are selectors such as `site=berlin`;"
    " `text` is looked for in names; those that were decommissioned are left out by default."
)
class DeviceFilter:
    online: bool | None = None
    group: str | None = None
    labels: list[str] | None = None
    device_profile_id: strawberry.ID | None = None
    text: str | None = None
    decommissioned: bool | None = False

    async def where(self, rows: Batched) -> Where:
        """Raises Refusal naming what is inside of `filter`."""
        query = DeviceQuery(
            labels=selected_labels(self.labels or (), "filter.labels"),
            online=self.online,
            group=None if self.group is None else checked_text("filter.group", self.group),
            text=None if self.text is None else checked_text("filter.text", self.text),
        )
        if self.device_profile_id is not None:
            field = "filter.deviceProfileId"
            profile = parsed_id("DeviceProfile", self.device_profile_id, field)
            await require_profile(rows, profile, field)
            query = replace(query, profile_id=profile)
        return device_where(query, decommissioned=self.decommissioned)
