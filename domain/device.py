"""A device: its identity, its certificates, its twin, its open commands, and whether it is online.

Heartbeats and telemetry are not events; what somebody decided, or the device answered, is. What
comes late or twice changes nothing: reports go by version, sessions by boot_id, answers by command.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import twin
from domain.aggregate import Aggregate
from domain.device_certificate import Certificate
from domain.device_command import (
    CommandStatus,
    require_room,
    was_sent,
)
from domain.device_description import Description
from domain.device_events import DeviceState
from domain.device_presence import OfflineReason
from domain.refusal import Refusal, RefusalCode


class Device(DeviceState, Aggregate):
    """One device of a tenant: what may be done to it, and what happens to it."""

    TOPIC = "device"

    # Imported here, so that they are of the class for readers and for mypy alike.
    # isort: off
    from domain.device_events import (
        CameOnline as CameOnline,
        CertificateIssued as CertificateIssued,
        CertificatesRevoked as CertificatesRevoked,
        CommandAnswered as CommandAnswered,
        CommandExpired as CommandExpired,
        CommandSent as CommandSent,
        Decommissioned as Decommissioned,
        Described as Described,
        DesiredChanged as DesiredChanged,
        Event as Event,
        Registered as Registered,
        ReportedChanged as ReportedChanged,
        UpdateAssigned as UpdateAssigned,
        UpdateCleared as UpdateCleared,
        WentOffline as WentOffline,
    )
    # isort: on

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

    def assign_update(self, update_id: UUID, rollout_id: UUID, again: bool = False) -> int:
        """The counter of the offer. The update that holds the slot keeps its counter, unless it is
        offered `again`. Raises Refusal(CONFLICT) while another rollout holds it."""
        self._require_in_service()
        if self.slot.require_free_for(update_id, rollout_id) or again:
            self.trigger_event(
                Device.UpdateAssigned,
                update_id=update_id,
                rollout_id=rollout_id,
                counter=self.slot.counter + 1,
            )
        return self.slot.counter

    def clear_update(
        self, update_id: UUID, installed_by: UUID | None, counter: int | None = None
    ) -> None:
        """Its update is settled. Another one's slot stays as it is. With the `counter` of its offer
        it may be said again that what it runs is another, until something newer is offered."""
        mine = self.slot.update_id == update_id
        late = self.slot.update_id is None and self.slot.counter == counter
        if mine or (late and self.slot.installed_by != installed_by):
            self.trigger_event(Device.UpdateCleared, update_id=update_id, installed_by=installed_by)

    def decommission(self) -> None:
        """For good: the device that comes back joins with a new claim."""
        if self.decommissioned:
            return
        for sent in self.commands.values():
            self.trigger_event(Device.CommandExpired, command_id=sent.id)
        self.revoke(None, "decommissioned")
        self.trigger_event(Device.Decommissioned)

    def _require_in_service(self) -> None:
        if self.decommissioned:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                "This device is decommissioned. Join it again with a new claim.",
                "deviceId",
            )
