"""What happens to a device, as it is stored. Topics never change."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.aggregate import Aggregate, CreatedEvent
from domain.device_certificate import Certificate
from domain.device_command import (
    CommandStatus,
    OpenCommand,
    remembered,
)
from domain.device_description import Description
from domain.device_presence import OfflineReason
from domain.device_slot import UpdateSlot


@dataclass(eq=False, repr=False)
class DeviceState:
    """One device of a tenant."""

    description: Description = field(init=False)
    certificates: dict[str, Certificate] = field(init=False)
    desired: dict[str, Any] = field(init=False)
    desired_version: int = field(init=False, default=0)
    reported: dict[str, Any] = field(init=False)
    reported_version: int = field(init=False, default=0)
    boot_id: UUID | None = field(init=False, default=None)
    online: bool = field(init=False, default=False)
    commands: dict[str, OpenCommand] = field(init=False)
    sent: dict[str, str] = field(init=False)
    slot: UpdateSlot = field(init=False, default=UpdateSlot())
    decommissioned: bool = field(init=False, default=False)

    def close(self, command_id: UUID) -> None:
        """It is no longer open."""
        self.commands = {id: one for id, one in self.commands.items() if one.id != command_id}


class Event(Aggregate.Event):
    pass


class Registered(Event, CreatedEvent):
    TOPIC = "device.registered"
    claim_id: UUID
    description: Description
    facts: dict[str, Any]

    def apply(self, aggregate: DeviceState) -> None:
        aggregate.description = self.description
        aggregate.certificates = {}
        aggregate.desired = {}
        aggregate.reported = {}
        aggregate.commands = {}
        aggregate.sent = {}


class Described(Event):
    TOPIC = "device.described"
    description: Description

    def apply(self, aggregate: DeviceState) -> None:
        aggregate.description = self.description


class CertificateIssued(Event):
    TOPIC = "device.certificate-issued"
    certificate: Certificate

    def apply(self, aggregate: DeviceState) -> None:
        kept = {
            serial: one
            for serial, one in aggregate.certificates.items()
            if one.not_after > self.timestamp
        }
        aggregate.certificates = {**kept, self.certificate.serial: self.certificate}


class CertificatesRevoked(Event):
    TOPIC = "device.certificates-revoked"
    serials: list[str]
    reason: str

    def apply(self, aggregate: DeviceState) -> None:
        aggregate.certificates = {
            serial: one
            for serial, one in aggregate.certificates.items()
            if serial not in self.serials
        }


class CameOnline(Event):
    TOPIC = "device.came-online"
    boot_id: UUID
    agent: str | None
    facts: dict[str, Any] | None

    def apply(self, aggregate: DeviceState) -> None:
        aggregate.online = True
        aggregate.boot_id = self.boot_id


class WentOffline(Event):
    TOPIC = "device.went-offline"
    boot_id: UUID
    reason: OfflineReason

    def apply(self, aggregate: DeviceState) -> None:
        aggregate.online = False


class DesiredChanged(Event):
    TOPIC = "device.desired-changed"
    version: int
    desired: dict[str, Any]

    def apply(self, aggregate: DeviceState) -> None:
        aggregate.desired = self.desired
        aggregate.desired_version = self.version


class ReportedChanged(Event):
    TOPIC = "device.reported-changed"
    version: int
    reported: dict[str, Any]

    def apply(self, aggregate: DeviceState) -> None:
        aggregate.reported = self.reported
        aggregate.reported_version = self.version


class CommandSent(Event):
    TOPIC = "device.command-sent"
    command_id: UUID
    kind: str
    arguments: dict[str, Any]
    expires_at: datetime

    def apply(self, aggregate: DeviceState) -> None:
        sent = OpenCommand(
            self.command_id, self.kind, self.arguments, self.timestamp, self.expires_at
        )
        aggregate.commands = {**aggregate.commands, str(sent.id): sent}
        aggregate.sent = remembered(aggregate.sent, sent)


class CommandAnswered(Event):
    TOPIC = "device.command-answered"
    command_id: UUID
    status: CommandStatus
    result: dict[str, Any]
    error: str | None

    def apply(self, aggregate: DeviceState) -> None:
        aggregate.close(self.command_id)


class CommandExpired(Event):
    TOPIC = "device.command-expired"
    command_id: UUID

    def apply(self, aggregate: DeviceState) -> None:
        aggregate.close(self.command_id)


class UpdateAssigned(Event):
    """Its one slot is taken. `counter` rises with every offer that is signed for it."""

    TOPIC = "device.update-assigned"
    update_id: UUID
    rollout_id: UUID
    counter: int

    def apply(self, aggregate: DeviceState) -> None:
        aggregate.slot = aggregate.slot.taken(self.update_id, self.rollout_id, self.counter)


class UpdateCleared(Event):
    """The slot is free. What it runs now is of `installed_by`: None where that is nothing of
    any rollout."""

    TOPIC = "device.update-cleared"
    update_id: UUID
    installed_by: UUID | None

    def apply(self, aggregate: DeviceState) -> None:
        aggregate.slot = aggregate.slot.cleared(self.installed_by)


class Decommissioned(Event):
    """Its name is free again. Before it, its commands expired and its certificates ended."""

    TOPIC = "device.decommissioned"

    def apply(self, aggregate: DeviceState) -> None:
        aggregate.decommissioned = True
