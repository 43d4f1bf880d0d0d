"""What a device said: made a command, a row of telemetry, or nothing.

What is malformed, foreign or from a device that was cut off is dropped, counted by its reason, and
logged once for each device and reason: a device that repeats itself fills no log.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from application.commands.command import Request, cause_of
from application.commands.device_reports import answer_command, come_online
from application.commands.update_reports import compare_running, report_update
from application.gateway.dropping import Dropped, Drops
from application.gateway.offering import current_offer
from application.gateway.telemetry import TelemetryKeeper, Told
from application.gateway.telling import Message, Telling
from application.gateway.twin_reports import TwinReport, TwinReports
from application.platform import Platform
from application.ports.device_sessions import DeviceSessions, Session
from application.ports.telemetry import Telemetry
from domain.cause import acting
from domain.device import Device
from domain.device_presence import OfflineReason
from domain.principal import device as device_principal
from domain.refusal import Refusal
from edge.protocol.commands import Answer, BadCommand
from edge.protocol.envelope import BadEnvelope, Envelope, decoded
from edge.protocol.topics import TELEMETRY, Address, Said, UnknownTopic, parsed
from edge.protocol.updates import BadUpdate, Report

TOGETHER = (Said.HEARTBEAT, Said.REPORTED, *TELEMETRY)
"""Kinds that are taken many at once."""
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
        if kind in TOGETHER:
            return self.hear_together([(topic, payload)])
        if not payload and kind is Said.STATE:
            return []  # a retained state that was cleared
        answers: list[Message] = []
        with self._dropping(address):
            answers += self._heard(address, kind, command_id, decoded(payload), retained)
        return answers

    def hear_together(self, messages: Sequence[tuple[str, bytes]]) -> list[Message]:
        """Messages of the kinds in TOGETHER that came together, by topic and payload: durable in
        one transaction each, and then what is to be answered."""
        beats: dict[Session, Told] = {}
        reports: list[TwinReport] = []
        told: list[Told] = []
        for topic, payload in messages:
            try:
                address, kind, _ = parsed(topic)
            except UnknownTopic:
                self._drops.count("unknown topic", topic)
                continue
            try:
                one = Told(address, kind, decoded(payload))
                if kind is Said.REPORTED:
                    reports.append(_report(one))
                elif kind is Said.HEARTBEAT:
                    beats[_session(one)] = one
                else:
                    told.append(one)
            except BadEnvelope as error:
                self._drops.count("malformed", address.user_name, str(error))
        self._beat(beats)
        self._report(reports)
        return self._telemetry.keep(told)

    def _beat(self, beats: Mapping[Session, Told]) -> None:
        for session in self._sessions.seen(list(beats)) if beats else ():
            one = beats[session]
            with self._dropping(one.address):
                self._online(_request(one.address, one.envelope), one.envelope)

    def _report(self, reports: Sequence[TwinReport]) -> None:
        for one, refusal in zip(reports, self._reports.take(reports), strict=True):
            if refusal is not None:
                principal = one.request.principal
                sender = Address(principal.tenant_id, principal.require_device()).user_name
                self._drops.count(f"refused: {refusal.code}", sender, refusal.message)

    @contextmanager
    def _dropping(self, address: Address) -> Iterator[None]:
        """Counts what may not be said."""
        try:
            yield
        except (BadEnvelope, BadCommand, BadUpdate) as error:
            self._drops.count("malformed", address.user_name, str(error))
        except Refusal as refusal:
            self._drops.count(f"refused: {refusal.code}", address.user_name, refusal.message)
        except Dropped as dropped:
            self._drops.count(dropped.reason, address.user_name)

    def _heard(
        self,
        address: Address,
        kind: Said,
        command_id: UUID | None,
        envelope: Envelope,
        retained: bool,
    ) -> list[Message]:
        request = _request(address, envelope)
        match kind:
            case Said.STATE:
                return self._state(address, request, envelope, retained)
            case Said.TWIN_WANTED:
                device = self._online(request, envelope)
                return [self._telling.delta(address, device, self._platform.now())]
            case Said.RESPONSE:
                assert command_id is not None
                answer = Answer.of(envelope.body)
                answer_command(self._platform, request, command_id=command_id, answer=answer)
            case Said.UPDATE_WANTED:
                release = envelope.body.get("release")
                running = release if isinstance(release, str) else None
                return self._offer(address, request, running)
            case Said.UPDATE_STATUS:
                assert command_id is not None
                report = Report.of(envelope.body)
                report_update(self._platform, request, update_id=command_id, report=report)
        return []

    def _offer(self, address: Address, request: Request, running: str | None) -> list[Message]:
        """Its current offer. Where there is none, whoever waits for this device is woken."""
        now = self._platform.now()
        device = compare_running(self._platform, request, release=running)
        with acting(cause_of(request)):
            offer = current_offer(self._platform, device, now)
        if offer is None and self._platform.rollouts is not None:
            self._platform.rollouts.wakes.wake_waiting(address.tenant, address.device)
        return [self._telling.update(address, offer, now)]

    def _state(
        self, address: Address, request: Request, envelope: Envelope, retained: bool
    ) -> list[Message]:
        session = Session(address.tenant, address.device, envelope.boot_id)
        if envelope.body.get("online") is not True:
            reason = _ENDS.get(str(envelope.body.get("reason")), OfflineReason.LOST)
            self._sessions.left(session, reason, envelope.seq)
            return []
        device = self._online(request, envelope, anew=not retained)
        return self._telling.greeting(address, device, envelope.boot_id, self._platform.now())

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
        session = Session(request.tenant_id, device.id, envelope.boot_id)
        self._sessions.began(session, _since(envelope))
        return device


def _since(envelope: Envelope) -> int:
    """The number at which the connection of a birth began; 0 where it does not say so."""
    will = envelope.body.get("will")
    return will if type(will) is int and 0 < will < envelope.seq else 0


def _request(address: Address, envelope: Envelope) -> Request:
    return Request(device_principal(address.tenant, address.device), id=str(envelope.id))


def _session(told: Told) -> Session:
    return Session(told.address.tenant, told.address.device, told.envelope.boot_id)


def _report(told: Told) -> TwinReport:
    """Raises BadEnvelope."""
    version, reported = told.envelope.body.get("version"), told.envelope.body.get("reported")
    if type(version) is not int or not 0 < version < 2**53 or type(reported) is not dict:
        raise BadEnvelope("a report needs a version and a document")
    return TwinReport(_request(told.address, told.envelope), version, reported)
