"""The last word on each update: what the platform does not have yet is kept, over power cuts too,
and said again at each connection. An earlier word gives way to a later one of the same update.
"""

from dataclasses import replace
from uuid import UUID

from edge.protocol.updates import Action, Offer, Problem, Report, Reported
from edge.update.record import Record, Said

MOST_KEPT = 8
_STAGES = (*Reported,)[: (*Reported,).index(Reported.CONFIRMED)]


def word(
    record: Record,
    offer: Offer,
    state: Reported,
    problem: Problem | None = None,
    detail: str | None = None,
    retryable: bool = False,
) -> Record:
    """With this as the last word on the offer. Of a REVERT the end alone is told."""
    if offer.action is Action.REVERT and state in _STAGES:
        return record
    findings = dict(record.findings) or None
    report = Report(
        offer.attempt, offer.counter, state, record.current, problem, detail, retryable, findings
    )
    return reported(record, Said(offer.update, report))


def reported(record: Record, said: Said) -> Record:
    others = tuple(one for one in record.reports if one.update != said.update)
    return replace(record, reports=(*others, said)[-MOST_KEPT:])


def taken(record: Record, update: UUID, report: Report) -> Record:
    """The platform has it. The very last word is kept nevertheless: the same offer, heard again, is
    answered by it."""
    kept = [
        replace(one, taken=True) if (one.update, one.report) == (update, report) else one
        for one in record.reports
    ]
    last = kept[-1:]
    return replace(record, reports=(*(one for one in kept[:-1] if not one.taken), *last))


def is_of(said: Said, offer: Offer) -> bool:
    return (said.update, said.report.counter) == (offer.update, offer.counter)
