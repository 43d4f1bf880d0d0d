"""What an event says of what led to it: its recorded cause, and what its own data names.

Events name other events as `<stream>/<version>`; other things they name by their ids, and the
event that made a thing has to be looked up.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from application.ports.event_log import RecordedEvent
from application.ports.reads import EventRow
from application.why.chain import Tie
from domain.dataset import Dataset
from domain.device import Device
from domain.job import Job
from domain.model import Model
from domain.quota import Quota
from domain.rollout import Rollout
from domain.update import Update

_REFERENCE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[1-9][0-9]{0,17}")

_ENDS_A_COMMAND = (Device.CommandAnswered.TOPIC, Device.CommandExpired.TOPIC)


@dataclass(frozen=True, slots=True)
class ToEvent:
    """To an event, by its reference, or to a request by the words it was recorded with."""

    tie: Tie
    reference: str


@dataclass(frozen=True, slots=True)
class ToThing:
    """To the event of a stream that made a thing: an artifact's id, a dataset version's number."""

    tie: Tie
    stream: UUID
    thing: str


def ties_of(row: EventRow) -> Iterator[ToEvent | ToThing]:
    """Everything that led to the event, the recorded cause first."""
    own = f"{row.stream_id}/"
    caused = _REFERENCE.fullmatch(row.causation_id) is not None
    yield ToEvent(Tie.CAUSE if caused else Tie.REQUEST, row.causation_id)
    spent_by = row.data.get("spent_by") if row.topic == Quota.Spent.TOPIC else None
    if spent_by and spent_by != row.causation_id and _REFERENCE.fullmatch(spent_by):
        yield ToEvent(Tie.CAUSE, spent_by)
    yield from _used(row)
    if row.topic == Job.Requested.TOPIC and isinstance(row.data.get("input"), dict):
        described_by = row.data["input"].get("device_profile")
        if described_by:
            yield ToEvent(Tie.USED, described_by)
    if row.topic == Device.Registered.TOPIC:
        yield ToEvent(Tie.USED, f"{row.data.get('claim_id')}/1")
    if row.topic == Update.Queued.TOPIC:
        yield ToEvent(Tie.USED, f"{row.data.get('device_id')}/1")
        yield ToEvent(Tie.USED, f"{row.data.get('rollout_id')}/1")
    if row.version > 1 and not row.causation_id.startswith(own):
        yield ToEvent(Tie.SUBJECT, f"{own}1")


def _used(row: EventRow) -> Iterator[ToThing]:
    if row.topic == Model.AliasMoved.TOPIC:
        yield ToThing(Tie.USED, row.stream_id, str(row.data.get("artifact_id")))
    if row.topic in _ENDS_A_COMMAND:
        yield ToThing(Tie.CAUSE, row.stream_id, str(row.data.get("command_id")))
    if row.topic == Update.Settled.TOPIC:
        yield ToThing(Tie.CAUSE, row.stream_id, str(row.data.get("attempt")))
    if row.topic == Rollout.Drafted.TOPIC:
        for part in (row.data.get("release") or {}).get("components") or ():
            if part.get("model_id") and part.get("source_id"):
                yield ToThing(Tie.USED, UUID(part["model_id"]), str(part["source_id"]))
    if row.topic == Job.Requested.TOPIC:
        yield from _of_job(row.data.get("model_id"), row.data.get("input") or {})


def _of_job(model_id: Any, given: dict[str, Any]) -> Iterator[ToThing]:
    artifacts = [given.get("artifact"), *(given.get("artifacts") or ())]
    for artifact in filter(None, artifacts):
        yield ToThing(Tie.USED, UUID(model_id), str(artifact["id"]))
    for name in ("calibration", "evaluation"):
        if data := given.get(name):
            yield ToThing(Tie.USED, UUID(data["dataset_id"]), str(data["number"]))


def thing_made(recorded: RecordedEvent) -> str | None:
    """What `ToThing.thing` calls the thing that this event made, if it made one."""
    event = recorded.event
    if isinstance(event, Model.VersionUploaded):
        return str(event.source.id)
    if isinstance(event, Model.ArtifactAdded):
        return str(event.artifact.id)
    if isinstance(event, Device.CommandSent):
        return str(event.command_id)
    if isinstance(event, Update.Offered | Update.RevertOffered):
        return str(event.attempt)
    return str(event.version.number) if isinstance(event, Dataset.VersionUploaded) else None
