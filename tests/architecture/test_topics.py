"""Topics are storage: every event ever written is found by its own. A line may be added to this
list when an event is added to the domain; none may ever be changed or removed.
"""

import importlib
import pkgutil
from collections.abc import Iterator

import domain
from domain.aggregate import Aggregate, Event

FROZEN = [
    "access-refused.recorded",
    "access-refused.repeated",
    "dataset.deleted",
    "dataset.registered",
    "dataset.version-uploaded",
    "device-claim.issued",
    "device-claim.used",
    "device-claim.withdrawn",
    "device-group.defined",
    "device-group.deleted",
    "device-group.revised",
    "device-profile.defined",
    "device-profile.deleted",
    "device-profile.revised",
    "device.came-online",
    "device.certificate-issued",
    "device.certificates-revoked",
    "device.command-answered",
    "device.command-expired",
    "device.command-sent",
    "device.decommissioned",
    "device.described",
    "device.desired-changed",
    "device.registered",
    "device.reported-changed",
    "device.update-assigned",
    "device.update-cleared",
    "device.went-offline",
    "invitation.accepted",
    "invitation.sent",
    "invitation.withdrawn",
    "job.cancel-requested",
    "job.cancelled",
    "job.claimed",
    "job.failed",
    "job.interrupted",
    "job.requested",
    "job.retry-scheduled",
    "job.stage-finished",
    "job.stage-started",
    "job.succeeded",
    "model.alias-moved",
    "model.alias-removed",
    "model.archived",
    "model.artifact-added",
    "model.artifact-removed",
    "model.deleted",
    "model.registered",
    "model.restored",
    "model.version-uploaded",
    "name.released",
    "name.reserved",
    "name.reserved-again",
    "quota.opened",
    "quota.returned",
    "quota.spent",
    "rollout.aborted",
    "rollout.approval-requested",
    "rollout.approved",
    "rollout.completed",
    "rollout.decision-awaited",
    "rollout.drafted",
    "rollout.paused",
    "rollout.prepared",
    "rollout.resumed",
    "rollout.rollback-left-incomplete",
    "rollout.rollback-started",
    "rollout.rolled-back",
    "rollout.soak-started",
    "rollout.wave-promoted",
    "rollout.wave-started",
    "sign-ins-blocked.recorded",
    "tenant.api-key-issued",
    "tenant.api-key-revoked",
    "tenant.flag-set",
    "tenant.member-joined",
    "tenant.member-left",
    "tenant.member-role-changed",
    "tenant.plan-changed",
    "tenant.registered",
    "tenant.target-keys-rotated",
    "update.advanced",
    "update.forced",
    "update.ignored",
    "update.offered",
    "update.queued",
    "update.retry-scheduled",
    "update.revert-offered",
    "update.settled",
]


def test_the_topics_of_all_events_are_frozen() -> None:
    assert sorted(event.TOPIC for event in _events()) == FROZEN


def test_every_event_of_an_aggregate_has_a_topic_of_its_own() -> None:
    nameless = [
        event.__qualname__
        for event in _below(Event)
        if _is_of_the_domain(event) and "TOPIC" not in vars(event) and not _is_base(event)
    ]
    assert nameless == []


def test_a_topic_begins_with_that_of_its_aggregate() -> None:
    topics = {aggregate.TOPIC for aggregate in _below(Aggregate) if _is_of_the_domain(aggregate)}
    assert {topic.partition(".")[0] for topic in FROZEN} <= topics


def _events() -> Iterator[type[Event]]:
    yield from (
        event for event in _below(Event) if _is_of_the_domain(event) and "TOPIC" in vars(event)
    )


def _is_base(event: type[Event]) -> bool:
    """The bases: `Aggregate.Event` of each aggregate, and `CreatedEvent`."""
    return event.__name__ in ("Event", "CreatedEvent")


def _is_of_the_domain(cls: type) -> bool:
    """Tests may define aggregates of their own."""
    return cls.__module__.startswith("domain.")


def _below(cls: type) -> set[type]:
    for module in pkgutil.walk_packages(domain.__path__, "domain."):
        importlib.import_module(module.name)
    return {each for child in cls.__subclasses__() for each in (child, *_below(child))}
