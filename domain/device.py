"""A device: its identity, its certificates, its twin, its open commands, and whether it is online.

Heartbeats and telemetry are not events; what somebody decided, or the device answered, is. What
comes late or twice changes nothing: reports go by version, sessions by boot_id, answers by command.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import twin
from domain.aggregate import Aggregate, CreatedEvent
from domain.device_certificate import Certificate
from domain.device_command import (
    CommandStatus,
    OpenCommand,
    remembered,
    require_room,
    was_sent,
)
from domain.device_description import Description
from domain.device_presence import OfflineReason
from domain.refusal import Refusal, RefusalCode


class Device(Aggregate):
    """One device of a tenant."""

    TOPIC = "device"
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
    decommissioned: bool = field(init=False, default=False)

    class Event(Aggregate.Event):
        pass

    class Registered(Event, CreatedEvent):
        TOPIC = "device.registered"
        claim_id: UUID
        description: Description
        facts: dict[str, Any]

        def apply(self, aggregate: "Device") -> None:
            aggregate.description = self.description
            aggregate.certificates = {}
            aggregate.desired = {}
            aggregate.reported = {}
            aggregate.commands = {}
            aggregate.sent = {}

    class Described(Event):
        TOPIC = "device.described"
        description: Description

        def apply(self, aggregate: "Device") -> None:
            aggregate.description = self.description

    class CertificateIssued(Event):
        TOPIC = "device.certificate-issued"
        certificate: Certificate

        def apply(self, aggregate: "Device") -> None:
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

        def apply(self, aggregate: "Device") -> None:
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

        def apply(self, aggregate: "Device") -> None:
            aggregate.online = True
            aggregate.boot_id = self.boot_id

    class WentOffline(Event):
        TOPIC = "device.went-offline"
        boot_id: UUID
        reason: OfflineReason

        def apply(self, aggregate: "Device") -> None:
            aggregate.online = False

    class DesiredChanged(Event):
        TOPIC = "device.desired-changed"
        version: int
        desired: dict[str, Any]

        def apply(self, aggregate: "Device") -> None:
            aggregate.desired = self.desired
            aggregate.desired_version = self.version

    class ReportedChanged(Event):
        TOPIC = "device.reported-changed"
        version: int
        reported: dict[str, Any]

        def apply(self, aggregate: "Device") -> None:
            aggregate.reported = self.reported
            aggregate.reported_version = self.version

    class CommandSent(Event):
        TOPIC = "device.command-sent"
        command_id: UUID
        kind: str
        arguments: dict[str, Any]
        expires_at: datetime

        def apply(self, aggregate: "Device") -> None:
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

        def apply(self, aggregate: "Device") -> None:
            aggregate._close(self.command_id)

    class CommandExpired(Event):
        TOPIC = "device.command-expired"
        command_id: UUID

        def apply(self, aggregate: "Device") -> None:
            aggregate._close(self.command_id)

    class Decommissioned(Event):
        """Its name is free again. Before it, its commands expired and its certificates ended."""

        TOPIC = "device.decommissioned"

        def apply(self, aggregate: "Device") -> None:
            aggregate.decommissioned = True

    @classmethod
    def register(
        cls,
        device_id: UUID,
        claim_id: UUID,
        description: Description,
        facts: Mapping[str, Any],
    ) -> "Device":
        return cls._create(
            cls.Registered,
            id=device_id,
            request_hash=str(claim_id),
            claim_id=claim_id,
            description=description.checked(),
            facts=dict(facts),
        )

    def describe(self, description: Description) -> None:
        self._require_in_service()
        if description != self.description:
            self.trigger_event(Device.Described, description=description.checked())

    def certify(self, certificate: Certificate) -> None:
        self._require_in_service()
        if certificate.serial not in self.certificates:
            self.trigger_event(Device.CertificateIssued, certificate=certificate)

    def revoke(self, serials: list[str] | None, reason: str) -> None:
        """Some certificates, or all that there are: then it is cut off."""
        known = [one for one in self.certificates if serials is None or one in serials]
        if known:
            self.trigger_event(Device.CertificatesRevoked, serials=known, reason=reason)
        if not self.certificates and self.boot_id is not None:
            self.go_offline(self.boot_id, OfflineReason.CUT_OFF)

    def valid(self, serial: str, key_id: str, now: datetime) -> bool:
        """Whether it is let in with this certificate."""
        found = self.certificates.get(serial)
        return (
            not self.decommissioned
            and found is not None
            and found.key_id == key_id
            and now < found.not_after
        )

    def come_online(
        self, boot_id: UUID, agent: str | None, facts: dict[str, Any] | None, anew: bool = True
    ) -> None:
        """A session that is known changes nothing, unless it has ended and is heard of `anew`.
        None: agent and facts are as they were."""
        known = self.boot_id == boot_id and (self.online or not anew)
        if not (known or self.decommissioned) and self.certificates:
            self.trigger_event(Device.CameOnline, boot_id=boot_id, agent=agent, facts=facts)

    def go_offline(self, boot_id: UUID, reason: OfflineReason) -> None:
        """The end of an earlier session says nothing of the present one."""
        if self.online and self.boot_id == boot_id:
            self.trigger_event(Device.WentOffline, boot_id=boot_id, reason=reason)

    def desire(self, patch: twin.Document, seen_version: int | None) -> None:
        """Raises Refusal(CONFLICT) unless the desired document has the version that was seen."""
        self._require_in_service()
        patch = twin.checked_patch(patch)
        twin.require_version(self.desired_version, seen_version)
        desired = twin.checked_document(twin.merged(self.desired, patch), "patch")
        if twin.difference(self.desired, desired):
            self.trigger_event(
                Device.DesiredChanged, version=self.desired_version + 1, desired=desired
            )

    def report(self, version: int, document: twin.Document) -> None:
        """A version that is not newer is late or came twice."""
        if version <= self.reported_version or self.decommissioned:
            return
        reported = twin.checked_document(document, "reported")
        if twin.difference(self.reported, reported):
            self.trigger_event(Device.ReportedChanged, version=version, reported=reported)

    def send_command(
        self, command_id: UUID, kind: str, arguments: Mapping[str, Any], expires_at: datetime
    ) -> None:
        """One that was sent before changes nothing, also where it has ended since."""
        self._require_in_service()
        if was_sent(self.sent, command_id, kind, arguments):
            return
        require_room(self.commands)
        self.trigger_event(
            Device.CommandSent,
            command_id=command_id,
            kind=kind,
            arguments=dict(arguments),
            expires_at=expires_at,
        )

    def answer_command(
        self, command_id: UUID, status: CommandStatus, result: Mapping[str, Any], error: str | None
    ) -> None:
        if str(command_id) in self.commands:
            self.trigger_event(
                Device.CommandAnswered,
                command_id=command_id,
                status=status,
                result=dict(result),
                error=error,
            )

    def expire_command(self, command_id: UUID, now: datetime) -> None:
        sent = self.commands.get(str(command_id))
        if sent is not None and now >= sent.expires_at:
            self.trigger_event(Device.CommandExpired, command_id=command_id)

    def decommission(self) -> None:
        """For good: the device that comes back joins with a new claim."""
        if self.decommissioned:
            return
        for sent in self.commands.values():
            self.trigger_event(Device.CommandExpired, command_id=sent.id)
        self.revoke(None, "decommissioned")
        self.trigger_event(Device.Decommissioned)

    def _close(self, command_id: UUID) -> None:
        self.commands = {id: one for id, one in self.commands.items() if one.id != command_id}

    def _require_in_service(self) -> None:
        if self.decommissioned:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                "This device is decommissioned. Join it again with a new claim.",
                "deviceId",
            )
