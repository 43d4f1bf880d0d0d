"""A device group: a question about devices that was given a name.

Nobody is put into it: a device belongs for as long as the question means it.
"""

from dataclasses import field
from uuid import UUID

from domain.aggregate import Aggregate, CreatedEvent
from domain.device_query import DeviceQuery


class DeviceGroup(Aggregate):
    """A saved query of a tenant."""

    TOPIC = "device-group"
    name: str = field(init=False)
    query: DeviceQuery = field(init=False)
    deleted: bool = field(init=False, default=False)

    class Event(Aggregate.Event):
        pass

    class Defined(Event, CreatedEvent):
        TOPIC = "device-group.defined"
        name: str
        query: DeviceQuery

        def apply(self, aggregate: "DeviceGroup") -> None:
            aggregate.name = self.name
            aggregate.query = self.query

    class Revised(Event):
        TOPIC = "device-group.revised"
        query: DeviceQuery

        def apply(self, aggregate: "DeviceGroup") -> None:
            aggregate.query = self.query

    class Deleted(Event):
        TOPIC = "device-group.deleted"

        def apply(self, aggregate: "DeviceGroup") -> None:
            aggregate.deleted = True

    @classmethod
    def define(
        cls, group_id: UUID, name: str, query: DeviceQuery, request_hash: str
    ) -> "DeviceGroup":
        return cls._create(
            cls.Defined, id=group_id, request_hash=request_hash, name=name, query=query.checked()
        )

    def revise(self, query: DeviceQuery) -> None:
        if query.checked() != self.query:
            self.trigger_event(DeviceGroup.Revised, query=query.checked())

    def delete(self) -> None:
        if not self.deleted:
            self.trigger_event(DeviceGroup.Deleted)
