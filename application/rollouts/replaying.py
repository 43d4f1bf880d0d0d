"""What happened in a rollout, as a stop rule would have looked at it (`domain.rollout_replay`)."""

from collections.abc import Iterable
from uuid import UUID

from application.as_of import EVENTS_AT_ONCE
from application.ports.event_log import RecordedEvent
from application.ports.reads import TenantReads
from application.views.update import UpdateRow
from domain.rollout_replay import Past
from domain.update import Update


async def past_of_rollout(reads: TenantReads, rollout_id: UUID, until: int) -> list[Past]:
    """Its outcomes up to a position, in the order in which they were recorded."""
    rows = await reads.find(UpdateRow, "rollout_id", [rollout_id])
    streams = {row.id for row in rows if row.position <= until}
    recorded: list[RecordedEvent] = []
    more = True
    while more:
        after = recorded[-1].position if recorded else 0
        events = await reads.streams(streams, after, until, EVENTS_AT_ONCE)
        recorded += events
        more = len(events) == EVENTS_AT_ONCE
    return past_of(recorded)


def past_of(recorded: Iterable[RecordedEvent]) -> list[Past]:
    """`recorded` are all events of the rollout's updates, in the order of their positions. A device
    counts once, by its newest outcome, at the place of that; one that is tried again not until it
    is over."""
    offered: set[UUID] = set()
    judged: dict[UUID, Past] = {}
    for one in recorded:
        event = one.event
        if isinstance(event, Update.Offered):
            offered.add(event.device_id)
        elif isinstance(event, Update.RetryScheduled):
            judged.pop(event.originator_id, None)
        elif isinstance(event, Update.Settled) and (event.outcome.good or event.outcome.bad):
            # Anew at the end, where the dictionary keeps what came last.
            judged.pop(event.originator_id, None)
            judged[event.originator_id] = Past(event.timestamp, event.outcome.bad, len(offered))
    return list(judged.values())
