"""What a device said: made a command, a row of telemetry, or nothing.

What is malformed, foreign or from a device that was cut off is dropped, counted by its reason, and
logged once for each device and reason: a device that repeats itself fills no log.
"""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from application.commands.command import Request
from application.commands.device_reports import answer_command, come_online, report_twin
from application.gateway.dropping import Dropped, Drops
from application.gateway.telemetry import TelemetryKeeper, Told
from application.gateway.telling import Message, Telling
from application.gateway.twin_reports import TwinReport, TwinReports
from application.platform import Platform
from application.ports.device_sessions import DeviceSessions, Session
from application.ports.telemetry import Telemetry
from domain.device import Device
from domain.device_presence import OfflineReason
from domain.principal import device as device_principal
from domain.refusal import Refusal
from edge.protocol.commands import Answer, BadCommand
from edge.protocol.envelope import BadEnvelope, Envelope, decoded
from edge.protocol.topics import TELEMETRY, Address, Said, UnknownTopic, parsed

_ENDS = {"stopped": OfflineReason.STOPPED, "lost": OfflineReason.LOST}

log = logging.getLogger(__name__)


class Hearing:
    """`hear` may be called from several threads, for one device from one at a time."""

    def __init__(
        self,
        platform: Platform,
        sessions: DeviceSessions,
        telemetry: Telemetry,
        telling: Telling,
        drops: Drops,
    ) -> None:
        self._platform, self._sessions = platform, sessions
        self._telling, self._drops = telling, drops
        self._reports = TwinReports(platform)
        self._telemetry = TelemetryKeeper(platform, telemetry, telling, drops)

    def hear(self, topic: str, payload: bytes, retained: bool = False) -> list[Message]:
        """What is to be answered. Raises only what is worth trying again: a lost database."""
        try:
            address, kind, command_id = parsed(topic)
        except UnknownTopic:
            self._drops.count("unknown topic", topic)
            return []
        try:
            if not payload and kind is Said.STATE:
                return []  # a retained state that was cleared
            return self._heard(address, kind, command_id, decoded(payload), retained)
        except (BadEnvelope, BadCommand) as error:
            self._drops.count("malformed", address.user_name, str(error))
        except Refusal as refusal:
            self._drops.count(f"refused: {refusal.code}", address.user_name, refusal.message)
        except Dropped as dropped:
            self._drops.count(dropped.reason, address.user_name)
        return []

    def hear_together(self, messages: Sequence[tuple[str, bytes]]) -> list[Message]:
        """Reports of twins and telemetry that came together, by topic and payload: durable in one
        transaction each, and then what is to be answered."""
        reports: list[TwinReport] = []
        told: list[Told] = []
        for topic, payload in messages:
            try:
                address, kind, _ = parsed(topic)
                envelope = decoded(payload)
                if kind is Said.REPORTED:
                    version, reported = _report(envelope.body)
                    reports.append(TwinReport(_request(address, envelope), version, reported))
                else:
                    told.append(Told(address, kind, envelope))
            except UnknownTopic:
                self._drops.count("unknown topic", topic)
            except BadEnvelope as error:
                self._drops.count("malformed", topic, str(error))
        self._report(reports)
        return self._telemetry.keep(told)

    def _report(self, reports: Sequence[TwinReport]) -> None:
        for one, refusal in zip(reports, self._reports.take(reports), strict=True):
            if refusal is not None:
                sender = one.request.principal.actor
                self._drops.count(f"refused: {refusal.code}", sender, refusal.message)

    def _heard(
        self,
        address: Address,
        kind: Said,
        command_id: UUID | None,
        envelope: Envelope,
        retained: bool,
    ) -> list[Message]:
        request, body = _request(address, envelope), envelope.body
        match kind:
            case Said.STATE:
                return self._state(address, request, envelope, retained)
            case Said.HEARTBEAT:
                return self._heartbeat(address, request, envelope)
            case Said.TWIN_WANTED:
                device = self._online(request, envelope)
                return [self._telling.delta(address, device, self._platform.now())]
            case Said.REPORTED:
                version, reported = _report(body)
                report_twin(self._platform, request, version=version, reported=reported)
            case Said.RESPONSE:
                assert command_id is not None
                answer = Answer.of(body)
                answer_command(self._platform, request, command_id=command_id, answer=answer)
            case _ if kind in TELEMETRY:
                return self._telemetry.keep([Told(address, kind, envelope)])
        return []

    def _state(
        self, address: Address, request: Request, envelope: Envelope, retained: bool
    ) -> list[Message]:
        session = Session(address.tenant, address.device, envelope.boot_id)
        if envelope.body.get("online") is not True:
            reason = _ENDS.get(str(envelope.body.get("reason")), OfflineReason.LOST)
            self._sessions.left(session, reason)
            return []
        device = self._online(request, envelope, anew=not retained)
        return self._telling.greeting(address, device, envelope.boot_id, self._platform.now())

    def _heartbeat(self, address: Address, request: Request, envelope: Envelope) -> list[Message]:
        session = Session(address.tenant, address.device, envelope.boot_id)
        if self._sessions.seen([session]):
            self._online(request, envelope)
        return []

    def _online(self, request: Request, envelope: Envelope, anew: bool = True) -> Device:
        """The device with its session begun. Raises Dropped where it may not come in, or where the
        broker kept a birth whose session is known to be over."""
        facts, agent = envelope.body.get("facts"), envelope.body.get("agent")
        device = come_online(
            self._platform,
            request,
            boot_id=envelope.boot_id,
            agent=agent if isinstance(agent, str) else None,
            facts=facts if isinstance(facts, dict) else None,
            anew=anew,
        )
        if not device.online:
            raise Dropped("cut off" if anew else "kept by the broker after its end")
        self._sessions.began(Session(request.tenant_id, device.id, envelope.boot_id))
        return device


def _request(address: Address, envelope: Envelope) -> Request:
    return Request(device_principal(address.tenant, address.device), id=str(envelope.id))


def _report(body: Any) -> tuple[int, dict[str, Any]]:
    """Raises BadEnvelope."""
    version, reported = body.get("version"), body.get("reported")
    if type(version) is not int or not 0 < version < 2**53 or type(reported) is not dict:
        raise BadEnvelope("a report needs a version and a document")
    return version, reported
