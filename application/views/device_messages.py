"""What the gateway has to tell devices, or to do at the broker: rows of the outbox until it has.

A row goes when the broker has taken the message. That is no promise that the device has it: what is
open is told again at every birth (`application.gateway.telling`).
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.views.view import Change, Delete, Insert, View
from domain.aggregate import Event
from domain.device import Device
from domain.update import Update
from domain.update_state import Outcome

KIND = "device"
device_messages = View("device_messages", {"outbox": ("kind", "dedupe_key")}, live=True)


@device_messages.on(Device.CommandSent)
def _sent(event: Device.CommandSent, at: RecordedEvent) -> Iterator[Change]:
    command = str(event.command_id)
    yield _row(event, at, f"command:{command}", {"command": command})


@device_messages.on(Device.CommandAnswered)
def _answered(event: Device.CommandAnswered, _at: RecordedEvent) -> Iterator[Change]:
    yield _done(f"command:{event.command_id}")


@device_messages.on(Device.CommandExpired)
def _expired(event: Device.CommandExpired, _at: RecordedEvent) -> Iterator[Change]:
    yield _done(f"command:{event.command_id}")


@device_messages.on(Device.DesiredChanged)
def _desired(event: Device.DesiredChanged, at: RecordedEvent) -> Iterator[Change]:
    """A newer version takes the place of one that nobody was told of yet."""
    yield _row(event, at, f"twin:{event.originator_id}", {"twin": event.version})


@device_messages.on(Device.CertificatesRevoked)
def _revoked(event: Device.CertificatesRevoked, at: RecordedEvent) -> Iterator[Change]:
    yield _row(event, at, f"cut-off:{event.originator_id}", {"cut_off": event.serials})


@device_messages.on(Update.Offered)
def _offered(event: Update.Offered, at: RecordedEvent) -> Iterator[Change]:
    yield _update(event, at)


@device_messages.on(Update.RevertOffered)
def _revert_offered(event: Update.RevertOffered, at: RecordedEvent) -> Iterator[Change]:
    yield _update(event, at)


@device_messages.on(Update.Settled)
def _settled(event: Update.Settled, at: RecordedEvent) -> Iterator[Change]:
    """What the platform ended by itself, the device is to give up."""
    if event.outcome in (Outcome.CANCELED, Outcome.TIMED_OUT) and event.attempt > 0:
        yield _update(event, at)


def _update(
    event: Update.Offered | Update.RevertOffered | Update.Settled, at: RecordedEvent
) -> Insert:
    """What its one current offer is, is looked up when it is told."""
    told = {"update": str(event.originator_id)}
    return _told(event.device_id, event, at, f"update:{event.device_id}", told)


def _row(event: Device.Event, at: RecordedEvent, key: str, payload: dict[str, Any]) -> Insert:
    return _told(event.originator_id, event, at, key, payload)


def _told(
    device_id: UUID, event: Event, at: RecordedEvent, key: str, payload: dict[str, Any]
) -> Insert:
    told = {
        "device": str(device_id),
        "correlation_id": event.cause.correlation_id,
        **payload,
    }
    return Insert(
        "outbox",
        {
            "kind": KIND,
            "dedupe_key": key,
            "tenant_id": at.tenant_id,
            "payload": told,
            "available_at": at.recorded_at,
        },
    )


def _done(key: str) -> Delete:
    return Delete("outbox", {"kind": KIND, "dedupe_key": key})
