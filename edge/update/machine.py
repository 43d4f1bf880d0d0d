"""The way of an update on the device, without I/O: what happened and what is remembered give what
is to be remembered and what is to be done.

    DOWNLOADING → VERIFYING → WAITING → CHECKING → SWITCHING → PROBATION → done, and watched
                                                                        ↘ ROLLING_BACK → as before

Whoever carries it out keeps the new record before the actions. Each action may be begun again
after a power cut: `PowerCameBack` gives those that were under way. To REVERT skips the download
where the other slot has what is wanted, and the probation always; of it only the end is reported.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from edge.protocol.updates import Action as Wanted
from edge.protocol.updates import Offer, Problem, Report, Reported
from edge.update import events as e
from edge.update.record import Record, Said, Stage
from edge.update.words import is_of, reported, taken, word

MOST_CRASHES_IN_PROBATION = 2
MOST_CRASHES = 3
"""After probation, before the agent has run CALM_AFTER without one."""
CALM_AFTER = 600.0
"""Seconds."""
MOST_CUTS = 3
"""Health checks that ended the agent or the machine."""

Step = tuple[Record, tuple[e.Action, ...]]


def step(record: Record, event: e.Event) -> Step:
    """What is to be remembered, and then done, in this order."""
    counter = getattr(event, "counter", None)
    if not isinstance(event, e.OfferRefused) and counter is not None:
        if record.offer is None or record.offer.counter != counter:
            return record, ()  # of an offer that was given up in the meantime
        then = _OF_OFFER.get((type(event), record.stage))
        return then(record, record.offer, event) if then else (record, ())
    return _ALWAYS[type(event)](record, event)


def _power_came_back(record: Record, event: e.PowerCameBack) -> Step:
    before, record = record.current, replace(record, current=event.current)
    if event.damaged:
        record = _mended(record, before)
    offer = record.offer
    if offer is None:
        return _idle_again(record, event.crashed)
    match record.stage:
        case Stage.DOWNLOADING | Stage.VERIFYING:
            return replace(record, stage=Stage.DOWNLOADING), (e.Download(offer), e.Tell())
        case Stage.WAITING:
            return record, (e.AwaitWindow(offer), e.Tell())
        case Stage.CHECKING:
            return _check_again(record, offer)
        case Stage.SWITCHING if event.current != offer.release:
            return record, (e.Switch(offer),)
        case Stage.SWITCHING:
            return _switched(record, offer, e.Switched(offer.counter, event.current))
        case Stage.PROBATION:
            return _probation_again(record, offer, event.crashed)
        case Stage.ROLLING_BACK:
            return record, (e.RollBack(offer),)
    return record, ()


def _mended(record: Record, before: str | None) -> Record:
    """The files of what ran were damaged, and were switched away from already."""
    of = record.offer if record.stage is Stage.PROBATION else record.watched
    if of is None or of.release != before:
        return record
    why = "the files of what ran were damaged"
    record = word(record, of, Reported.LOCAL_ROLLED_BACK, Problem.WRONG_HASH, why)
    record = replace(record, watched=None, crashes=0)
    return _idle(record) if record.stage is Stage.PROBATION else record


def _idle_again(record: Record, crashed: bool) -> Step:
    watched = record.watched
    if watched is None or watched.release != record.current:
        record = replace(record, watched=None, crashes=0)
        return record, (e.CleanUp(keep_other=False), e.Tell())
    if crashed:
        record = replace(record, crashes=record.crashes + 1)
        if record.crashes >= MOST_CRASHES:
            return _crashed(record)
    return record, (e.CleanUp(keep_other=True), e.Watch(watched, None), e.Tell())


def _probation_again(record: Record, offer: Offer, crashed: bool) -> Step:
    if record.current != offer.release:
        why = "something else was switched to meanwhile"
        return _end(record, Reported.FAILED, Problem.INTERRUPTED, why)
    if crashed:
        record = replace(record, crashes=record.crashes + 1)
        if record.crashes >= MOST_CRASHES_IN_PROBATION:
            return _crashed(record)
    return record, (e.Watch(offer, offer.probation_seconds), e.Tell())


def _crashed(record: Record) -> Step:
    why = f"the agent ended {record.crashes} times while it ran"
    return _unwell(record, e.Unwell(record.current, Problem.CRASHED, why))


def _check_again(record: Record, offer: Offer) -> Step:
    record = replace(record, cuts=record.cuts + 1)
    if record.cuts >= MOST_CUTS:
        why = f"its health check was cut off {record.cuts} times"
        return _end(record, Reported.FAILED, Problem.INTERRUPTED, why)
    return record, (e.CheckHealth(offer), e.Tell())


def _offer_heard(record: Record, event: e.OfferHeard) -> Step:
    offer = event.offer
    if event.digest == record.seen:
        known = next((one for one in record.reports if is_of(one, offer)), None)
        if record.offer is not None and record.offer.counter == offer.counter:
            return record, (e.Tell(),)
        if known is not None:
            return reported(record, replace(known, taken=False)), (e.Tell(),)
    if record.stage in (Stage.SWITCHING, Stage.ROLLING_BACK):
        return record, ()  # asked for again when that is done
    record = _left(record)
    record = replace(
        record, stage=Stage.DOWNLOADING, offer=offer, counter=offer.counter, seen=event.digest,
        cuts=0, findings={}, why=None,
    )  # fmt: skip
    if offer.action is Wanted.REVERT:
        return _revert(record, offer, event.kept_other)
    if offer.release == record.current:
        return _end(record, Reported.SKIPPED, None, "it runs already")
    return word(record, offer, Reported.ACCEPTED), (e.Tell(), e.Download(offer))


def _left(record: Record) -> Record:
    """What is under way is given up for something newer; what is on probation stays."""
    if record.stage is Stage.PROBATION:
        return replace(record, watched=record.offer)
    return record


def _revert(record: Record, offer: Offer, other: str | None) -> Step:
    if offer.release == record.current:
        return _end(record, Reported.REVERTED, None, None)
    if offer.release is None or offer.release == other:
        return replace(record, stage=Stage.SWITCHING), (e.Switch(offer),)
    return record, (e.Download(offer),)


def _offer_refused(record: Record, event: e.OfferRefused) -> Step:
    if event.binding and event.counter > record.counter:
        record = replace(record, counter=event.counter, seen=event.digest)
    known = (record.offer, record.watched)
    if any(one is not None and one.update == event.update for one in known) or any(
        one.update == event.update and one.report.counter >= event.counter for one in record.reports
    ):
        return record, (e.Tell(),)
    report = Report(
        event.attempt, event.counter, Reported.REJECTED, record.current, event.problem, event.detail
    )
    return reported(record, Said(event.update, report)), (e.Tell(),)


def _offer_withdrawn(record: Record, _: e.OfferWithdrawn) -> Step:
    if record.offer is None or not record.stage.may_be_left:
        return record, ()
    reports = tuple(one for one in record.reports if one.update != record.offer.update)
    record = replace(_idle(record), reports=reports)
    return record, (e.CleanUp(record.watched is not None),)


def _download_began(record: Record, offer: Offer, _: e.DownloadBegan) -> Step:
    return word(record, offer, Reported.DOWNLOADING), (e.Tell(),)


def _downloaded(record: Record, offer: Offer, event: e.Downloaded) -> Step:
    record = replace(record, stage=Stage.VERIFYING, findings=_more(record, event.findings))
    return word(record, offer, Reported.DOWNLOADING), (e.Verify(offer),)


def _verified(record: Record, offer: Offer, event: e.Verified) -> Step:
    record = word(replace(record, stage=Stage.WAITING), offer, Reported.VERIFIED)
    if event.window_open:
        return _check(record, offer)
    return word(record, offer, Reported.WAITING), (e.Tell(), e.AwaitWindow(offer))


def _window_open(record: Record, offer: Offer, _: e.WindowOpen) -> Step:
    return _check(record, offer)


def _check(record: Record, offer: Offer) -> Step:
    record = word(replace(record, stage=Stage.CHECKING), offer, Reported.INSTALLING)
    return record, (e.Tell(), e.CheckHealth(offer))


def _health_found(record: Record, offer: Offer, event: e.HealthFound) -> Step:
    record = replace(record, findings=_more(record, event.findings))
    if event.problem is not None:
        return _end(record, Reported.FAILED, event.problem, event.detail)
    return replace(record, stage=Stage.SWITCHING), (e.Switch(offer),)


def _switched(record: Record, offer: Offer, event: e.Switched) -> Step:
    record = replace(record, current=event.current, watched=None, crashes=0)
    if event.current != offer.release:
        why = "it could not be switched to"
        return _end(record, Reported.FAILED, Problem.INTERNAL, why)
    if offer.action is Wanted.REVERT:
        return _end(record, Reported.REVERTED, None, None)
    record = word(replace(record, stage=Stage.PROBATION), offer, Reported.PROBATION)
    return record, (e.Tell(), e.Watch(offer, offer.probation_seconds))


def _probation_over(record: Record, offer: Offer, _: e.ProbationOver) -> Step:
    record, actions = _end(replace(record, watched=offer), Reported.CONFIRMED, None, None)
    return replace(record, crashes=0), (*actions, e.Watch(offer, None))


def _unwell(record: Record, event: e.Unwell) -> Step:
    """Rolls back what is on probation, or was installed last. While another update is under way,
    that may be the cure."""
    offer = record.offer if record.stage is Stage.PROBATION else record.watched
    if record.stage not in (Stage.IDLE, Stage.PROBATION) or offer is None:
        return record, ()
    if offer.release != event.release:
        return record, ()
    why = (event.problem, event.detail)
    record = replace(record, stage=Stage.ROLLING_BACK, offer=offer, watched=None, why=why)
    return record, (e.RollBack(offer),)


def _calm(record: Record, _: e.Calm) -> Step:
    return (replace(record, crashes=0) if record.stage is Stage.IDLE else record), ()


def _rolled_back(record: Record, offer: Offer, event: e.RolledBack) -> Step:
    problem, detail = record.why or (Problem.INTERNAL, "it was unwell")
    record = replace(record, current=event.current, watched=None, crashes=0)
    return _end(record, Reported.LOCAL_ROLLED_BACK, problem, detail)


def _went_wrong(record: Record, offer: Offer, event: e.WentWrong) -> Step:
    return _end(record, event.state, event.problem, event.detail, event.retryable)


def _report_taken(record: Record, event: e.ReportTaken) -> Step:
    return taken(record, event.update, event.report), ()


def _end(
    record: Record,
    state: Reported,
    problem: Problem | None,
    detail: str | None,
    retryable: bool = False,
) -> Step:
    assert record.offer is not None
    record = _idle(word(record, record.offer, state, problem, detail, retryable))
    return record, (e.Tell(), e.Ask(), e.CleanUp(keep_other=record.watched is not None))


def _idle(record: Record) -> Record:
    return replace(record, stage=Stage.IDLE, offer=None, findings={}, cuts=0, why=None)


def _more(record: Record, findings: Mapping[str, Any]) -> dict[str, Any]:
    return {**record.findings, **findings}


_OF_OFFER: dict[tuple[type, Stage], Callable[[Record, Offer, Any], Step]] = {
    (e.DownloadBegan, Stage.DOWNLOADING): _download_began,
    (e.Downloaded, Stage.DOWNLOADING): _downloaded,
    (e.Verified, Stage.VERIFYING): _verified,
    (e.WindowOpen, Stage.WAITING): _window_open,
    (e.HealthFound, Stage.CHECKING): _health_found,
    (e.Switched, Stage.SWITCHING): _switched,
    (e.ProbationOver, Stage.PROBATION): _probation_over,
    (e.RolledBack, Stage.ROLLING_BACK): _rolled_back,
    **{
        (e.WentWrong, stage): _went_wrong
        for stage in (*(one for one in Stage if one.may_be_left), Stage.SWITCHING)
    },
}
_ALWAYS: dict[type, Callable[[Record, Any], Step]] = {
    e.PowerCameBack: _power_came_back,
    e.OfferHeard: _offer_heard,
    e.OfferRefused: _offer_refused,
    e.OfferWithdrawn: _offer_withdrawn,
    e.Unwell: _unwell,
    e.Calm: _calm,
    e.ReportTaken: _report_taken,
}
