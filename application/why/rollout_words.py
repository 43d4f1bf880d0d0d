"""Rollouts and updates in plain English, for `application.why.sentences`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from application.plain_json import from_json
from application.ports.reads import EventRow
from domain.rollout_evidence import GateFinding, RuleFinding, Tally
from domain.rollout_stops import told, told_gate

if TYPE_CHECKING:
    from application.why.sentences import Sentences

Data = dict[str, Any]
Tell = Callable[["Sentences", EventRow, Data], str]

_OUTCOMES = {
    "CONFIRMED": "runs the release and found it well",
    "SKIPPED": "runs the release already: there was nothing to do",
    "REJECTED": "would not take the release",
    "CANCELED": "was spared: the update was canceled before anything was installed",
    "FAILED": "failed to take the release, and is as it was",
    "TIMED_OUT": "did not answer in time",
    "LOST": "fell silent while it installed",
    "LOCAL_ROLLED_BACK": "found the release unwell and went back by itself",
    "REVERTED": "is back to what it ran before",
}
_WHY = {
    "STOP_RULE": "the stop rule",
    "HEALTH_GATE": "a health gate",
    "NO_SUCCESS": "a wave without a success",
    "NOT_PREPARED": "it could not be prepared",
}
_COUNTED = ("confirmed", "bad", "skipped", "canceled", "reverted", "queued", "open")


def _drafted(say: "Sentences", row: EventRow, data: Data) -> str:
    parts = [f"{one['kind']} “{one['name']}”" for one in data["release"]["components"]]
    waves = len(data["plan"]["waves"])
    it = f"the rollout “{data['name']}” of {' and '.join(parts)}"
    return f"{say.who(row)} drafted {it}, in {waves} wave{'s' * (waves > 1)}."


def _approved(say: "Sentences", row: EventRow, data: Data) -> str:
    sizes = data["wave_sizes"]
    return f"{say.who(row)} approved {_it(say, row)} for {_devices(sum(sizes))}."


def _prepared(say: "Sentences", row: EventRow, data: Data) -> str:
    golden = data["golden"]
    judged = f", with {golden['samples']} samples to judge its answers by" if golden else ""
    return f"The release of {_it(say, row)} was signed and published{judged}."


def _awaited(say: "Sentences", row: EventRow, data: Data) -> str:
    evidence = data["evidence"]
    gates = [from_json(one, GateFinding) for one in evidence["gates"]]
    missing = " ".join(told_gate(one) for one in gates if not one.passes)
    waits = f"Wave {data['wave']} of {_it(say, row)} waits for a decision"
    return f"{waits}: {_tally(evidence)}. {missing}"


def _stopped(how: str, by_hand: str) -> Tell:
    """By somebody, or by the evidence."""

    def tell(say: "Sentences", row: EventRow, data: Data) -> str:
        because = _WHY.get(data["reason"])
        message = f": {data['message']}" if data["message"] else "."
        if because is None:
            return f"{say.who(row)} {by_hand} {_it(say, row)}{message}"
        return f"{_begun(_it(say, row))} {how} ({because}){message}"

    return tell


def _ended(words: str) -> Tell:
    def tell(say: "Sentences", row: EventRow, data: Data) -> str:
        it = _begun(_it(say, row))
        missing = data["evidence"]["tally"]["not_taken_back"]
        told_words = words.format(missing=_devices(missing))
        return f"{it} {told_words}: {_tally(data['evidence'])}."

    return tell


def _promoted(say: "Sentences", row: EventRow, data: Data) -> str:
    rule = told(from_json(data["evidence"]["rule"], RuleFinding))
    done = f"{say.who(row)} promoted wave {data['wave']} of {_it(say, row)}"
    return f"{done}: {_tally(data['evidence'])}. {rule}"


def _settled(say: "Sentences", row: EventRow, data: Data) -> str:
    code = f" ({data['code']})" if data["code"] else ""
    because = f": {data['problem']}" if data["problem"] else ""
    return f"{_device(say, row)} {_OUTCOMES[data['outcome']]}{code}{because}."


def _retried(say: "Sentences", row: EventRow, data: Data) -> str:
    because = f": {data['problem']}" if data["problem"] else ""
    return f"{_device(say, row)} is to try again after attempt {data['attempt']}{because}."


def _advanced(say: "Sentences", row: EventRow, data: Data) -> str:
    detail = f": {data['detail']}" if data["detail"] else ""
    return f"{_device(say, row)} reported {data['stage']}{detail}."


def _reverted(say: "Sentences", row: EventRow, data: Data) -> str:
    what = "what it ran before" if data["release_id"] else "having nothing of any rollout"
    return f"{_device(say, row)} was offered to go back to {what}, counter {data['counter']}."


def _of_rollout(words: str) -> Tell:
    def tell(say: "Sentences", row: EventRow, data: Data) -> str:
        return f"{say.who(row)} {words.format_map({**data, 'it': _it(say, row)})}."

    return tell


def _fact(words: str) -> Tell:
    def tell(say: "Sentences", row: EventRow, data: Data) -> str:
        return f"{words.format_map({**data, 'it': _it(say, row)})}."

    return tell


def _of_device(words: str) -> Tell:
    def tell(say: "Sentences", row: EventRow, data: Data) -> str:
        rollout = say.name(data.get("rollout_id"), "rollout")
        return f"{_device(say, row)} {words.format_map({**data, 'rollout': rollout})}."

    return tell


def _aborted(say: "Sentences", row: EventRow, data: Data) -> str:
    because = f": {data['message']}" if data["message"] else ""
    return f"{say.who(row)} aborted {_it(say, row)}; what is installed stays{because}."


def _it(say: "Sentences", row: EventRow) -> str:
    return say.name(row.stream_id, "rollout")


def _device(say: "Sentences", row: EventRow) -> str:
    return _begun(say.name(say.device_of(row), "device"))


def _begun(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}"


def _devices(count: int) -> str:
    return f"{count:,} device" if count == 1 else f"{count:,} devices"


def _tally(evidence: Data) -> str:
    tally = from_json(evidence["tally"], Tally)
    counted = {"bad": "failed"}
    parts = [f"{n:,} {counted.get(name, name)}" for name in _COUNTED if (n := getattr(tally, name))]
    return f"of {_devices(tally.devices)} {', '.join(parts) or 'nothing was heard'}"


ROLLOUT_WORDS: dict[str, Tell] = {
    "rollout.drafted": _drafted,
    "rollout.approval-requested": _of_rollout("asked for approval of {it}"),
    "rollout.approved": _approved,
    "rollout.prepared": _prepared,
    "rollout.wave-started": _fact("Wave {wave} of {it} began with {devices:,} devices"),
    "rollout.soak-started": _fact(
        "Every device of wave {wave} of {it} that was reached has ended; it soaks until {until}"
    ),
    "rollout.decision-awaited": _awaited,
    "rollout.wave-promoted": _promoted,
    "rollout.paused": _stopped("was stopped", "paused"),
    "rollout.resumed": _of_rollout("resumed {it}"),
    "rollout.rollback-started": _stopped("was stopped and is taken back", "takes back"),
    "rollout.rolled-back": _ended("was taken back"),
    "rollout.rollback-left-incomplete": _ended("could not be taken back from {missing}"),
    "rollout.completed": _ended("is complete"),
    "rollout.aborted": _aborted,
    "update.queued": _of_device("is meant in wave {wave} of {rollout}"),
    "update.forced": _of_device("was let go before its wave, outside of its window"),
    "update.offered": _of_device("was offered the release, attempt {attempt}, counter {counter}"),
    "update.advanced": _advanced,
    "update.settled": _settled,
    "update.retry-scheduled": _retried,
    "update.revert-offered": _reverted,
    "update.ignored": _of_device(
        "reported {state} of attempt {attempt} late, twice or out of order: it changed nothing"
    ),
    "device.update-assigned": _of_device("is being updated by {rollout}, counter {counter}"),
    "device.update-cleared": _of_device("may be updated again"),
}
