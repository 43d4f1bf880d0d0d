"""Events in plain English: who did what to which thing, in one sentence each.

A sentence is made from the event as it was stored, and from the names that the first events of the
chain's objects gave them. A topic that has no words of its own here is told by its name.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from application.ports.reads import EventRow
from application.why.rollout_words import ROLLOUT_WORDS

LONGEST = 200
_SHORT = 8
_NAMING = (
    "model.registered",
    "dataset.registered",
    "device-profile.defined",
    "device-group.defined",
    "tenant.registered",
    "rollout.drafted",
)
_WORKS = {"optimize": "an optimization", "benchmark": "a benchmark"}

Data = dict[str, Any]


class Sentences:
    """Tells the events of one chain. `labels` are those of API keys, by actor."""

    def __init__(self, rows: Iterable[EventRow], labels: Mapping[str, str]) -> None:
        self._labels = labels
        self._names: dict[str, str] = {}
        self._variants: dict[str, str] = {}
        self._devices: dict[str, str] = {}
        for row in sorted(rows, key=lambda row: row.position):
            if row.topic in _NAMING:
                self._names[str(row.stream_id)] = str(row.data.get("name"))
            elif row.topic in ("device.registered", "device.described"):
                self._names[str(row.stream_id)] = str(row.data["description"].get("name"))
            elif row.topic == "update.queued":
                self._devices[str(row.stream_id)] = str(row.data["device_id"])
            for artifact in (row.data.get("source"), row.data.get("artifact")):
                if isinstance(artifact, dict):
                    self._variants[str(artifact.get("id"))] = _variant(artifact)

    def of(self, row: EventRow) -> str:
        """One sentence, without line breaks."""
        tell = _WORDS.get(row.topic)
        try:
            told = tell(self, row, row.data) if tell else None
        except (KeyError, TypeError, AttributeError):
            # Stored by another version of its class: told by its name, as the unknown are.
            told = None
        told = told or f"{self.who(row)} caused {row.topic} of {_short(row.stream_id)}."
        told = " ".join(told.split())
        return told if len(told) <= LONGEST else f"{told[: LONGEST - 1]}…"

    def request(self, row: EventRow) -> str:
        """The request that an event is the answer to."""
        what = row.causation_id.removeprefix("request:")
        return f"{self.who(row)} asked for it in the request {what}."

    def who(self, row: EventRow) -> str:
        kind, _, id = row.actor.partition(":")
        label = self._labels.get(row.actor)
        if label is not None:
            return f"The key “{label}”"
        if row.actor == "system":
            return "The platform"
        return f"The {kind} {id[:_SHORT]}" if id else row.actor

    def name(self, stream: object, what: str) -> str:
        name = self._names.get(str(stream))
        return f"the {what} “{name}”" if name else f"the {what} {_short(stream)}"

    def device_of(self, row: EventRow) -> str:
        """The device that an update is of; a device itself."""
        return self._devices.get(str(row.stream_id), str(row.stream_id))

    def variant(self, artifact_id: object) -> str:
        return self._variants.get(str(artifact_id), f"the artifact {_short(artifact_id)}")


def _short(id: object) -> str:
    return str(id)[:_SHORT]


def _variant(artifact: Data) -> str:
    return f"{artifact.get('variant')} of version {artifact.get('version')}"


def _uploaded(told: Sentences, row: EventRow, data: Data) -> str:
    files = ", ".join(file["path"] for file in data["source"]["files"])
    model = told.name(row.stream_id, "model")
    return f"{told.who(row)} uploaded version {data['number']} of {model} ({files})."


def _added(told: Sentences, row: EventRow, data: Data) -> str:
    gates = "it passed its gates" if data["artifact"]["passed"] else "it failed its gates"
    model = told.name(row.stream_id, "model")
    return f"{_variant(data['artifact'])} was added to {model}: {gates}."


def _asked(told: Sentences, row: EventRow, data: Data) -> str:
    work = _WORKS.get(data["kind"], f"a job of the kind {data['kind']}")
    return f"{told.who(row)} asked for {work} of {told.name(data['model_id'], 'model')}."


def _retry(told: Sentences, row: EventRow, data: Data) -> str:
    failure = data["failure"]
    return (
        f"Attempt {data['attempt']} failed ({failure['code']}: {failure['message']}); "
        "another was put off for a while."
    )


def _failed(told: Sentences, row: EventRow, data: Data) -> str:
    failure = data["failure"]
    fault = "the request's" if failure["fault"] == "REQUEST" else "the platform's"
    return f"The job failed by {fault} fault ({failure['code']}: {failure['message']})."


def _cancelled(told: Sentences, row: EventRow, data: Data) -> str:
    return "The job was cancelled" + (" while it ran." if data["started"] else " before it began.")


def _issued(told: Sentences, row: EventRow, data: Data) -> str:
    return f"{told.who(row)} issued the key “{data['label']}” with the role {data['role']}."


def _flag(told: Sentences, row: EventRow, data: Data) -> str:
    how = {True: "switched on", False: "switched off", None: "handed back to the environment"}
    return f"{told.who(row)} {how[data['enabled']]} {data['flag']}."


def _joined(told: Sentences, row: EventRow, data: Data) -> str:
    return f"The device “{data['description']['name']}” joined with the claim {data['claim_id']}."


def _revoked(told: Sentences, row: EventRow, data: Data) -> str:
    count = len(data["serials"])
    what = "the certificate" if count == 1 else f"{count} certificates"
    it = told.name(row.stream_id, "device")
    return f"{told.who(row)} revoked {what} of {it}: {data['reason']}."


def _answered(told: Sentences, row: EventRow, data: Data) -> str:
    how = {"SUCCEEDED": "as done", "FAILED": "as failed", "REFUSED": "by refusing it"}
    because = f": {data['error']}" if data["error"] else ""
    answer = f"answered the command {data['command_id']} {how[data['status']]}{because}"
    return f"{_itself(told, row)} {answer}."


def _deed(words: str, what: str) -> Callable[[Sentences, EventRow, Data], str]:
    """`words` may name fields of the event; `{it}` is its object."""

    def tell(told: Sentences, row: EventRow, data: Data) -> str:
        it = told.name(row.stream_id, what)
        return f"{told.who(row)} {words.format_map({**data, 'it': it})}."

    return tell


def _of_itself(words: str) -> Callable[[Sentences, EventRow, Data], str]:
    """What a device did or went through."""

    return lambda told, row, data: f"{_itself(told, row)} {words.format_map(data)}."


def _itself(told: Sentences, row: EventRow) -> str:
    it = told.name(row.stream_id, "device")
    return f"{it[0].upper()}{it[1:]}"


def _fact(words: str) -> Callable[[Sentences, EventRow, Data], str]:
    return lambda told, row, data: f"{words.format_map(data)}."


_WORDS: dict[str, Callable[[Sentences, EventRow, Data], str]] = {
    "model.registered": _deed("registered the model “{name}” ({task})", "model"),
    "model.version-uploaded": _uploaded,
    "model.artifact-added": _added,
    "model.artifact-removed": lambda told, row, data: (
        f"{told.who(row)} removed {told.variant(data['artifact_id'])}."
    ),
    "model.alias-moved": lambda told, row, data: (
        f"{told.who(row)} pointed the alias {data['alias']} at {told.variant(data['artifact_id'])}."
    ),
    "model.alias-removed": _deed("removed the alias {alias} of {it}", "model"),
    "model.archived": _deed("archived {it}", "model"),
    "model.restored": _deed("restored {it}", "model"),
    "model.deleted": _deed("deleted {it}", "model"),
    "dataset.registered": _deed("registered the dataset “{name}” ({purpose})", "dataset"),
    "dataset.version-uploaded": lambda told, row, data: (
        f"{told.who(row)} uploaded version {data['version']['number']} of "
        f"{told.name(row.stream_id, 'dataset')} ({data['version']['rows']:,} rows)."
    ),
    "dataset.deleted": _deed("deleted {it}", "dataset"),
    "device-profile.defined": _deed("defined the device profile “{name}”", "device profile"),
    "device-profile.revised": _deed("revised {it}", "device profile"),
    "device-profile.deleted": _deed("deleted {it}", "device profile"),
    "device-claim.issued": _deed("issued a claim, with which one device may join", "claim"),
    "device-claim.used": _fact("The device {device_id} joined with the claim"),
    "device-claim.withdrawn": _deed("withdrew the claim", "claim"),
    "device.registered": _joined,
    "device.described": _deed("described {it} anew", "device"),
    "device.certificate-issued": _of_itself("was given a certificate"),
    "device.certificates-revoked": _revoked,
    "device.came-online": _of_itself("came online with the agent {agent}"),
    "device.went-offline": _of_itself("went offline ({reason})"),
    "device.desired-changed": _deed("changed what is desired of {it}: version {version}", "device"),
    "device.reported-changed": _of_itself("reported how it is: version {version}"),
    "device.command-sent": _deed("sent the command {kind} to {it}", "device"),
    "device.command-answered": _answered,
    "device.command-expired": _fact("The command {command_id} expired without an answer"),
    "device.decommissioned": _deed("decommissioned {it}", "device"),
    "device-group.defined": _deed("defined the device group “{name}”", "device group"),
    "device-group.revised": _deed("revised {it}", "device group"),
    "device-group.deleted": _deed("deleted {it}", "device group"),
    "job.requested": _asked,
    "job.claimed": _fact("Attempt {attempt} began on the worker {worker}"),
    "job.stage-started": _fact("Attempt {attempt} began the stage {stage}"),
    "job.stage-finished": _fact("Attempt {attempt} finished the stage {stage}"),
    "job.retry-scheduled": _retry,
    "job.interrupted": _fact("The worker shut down and gave attempt {attempt} back"),
    "job.succeeded": _fact("Attempt {attempt} succeeded"),
    "job.failed": _failed,
    "job.cancel-requested": _deed("asked to cancel the job", "job"),
    "job.cancelled": _cancelled,
    "quota.opened": _fact("The count of {kind} for the period {period} began"),
    "quota.spent": _fact("A unit of {kind} ({period}) was spent on {subject}"),
    "quota.returned": _fact("The unit spent on {subject} was returned: {reason}"),
    "tenant.registered": _deed("opened the tenant “{name}” on the plan {plan}", "tenant"),
    "tenant.plan-changed": _deed("changed the plan to {plan}", "tenant"),
    "tenant.flag-set": _flag,
    "tenant.member-joined": _fact("The user {user_id} became a member with the role {role}"),
    "tenant.member-left": _fact("The user {user_id} is no member any more"),
    "tenant.api-key-issued": _issued,
    "tenant.api-key-revoked": _deed("revoked the key {key_id}", "tenant"),
    "tenant.target-keys-rotated": _deed(
        "replaced the {use} key that signs what devices install by {key_id}", "tenant"
    ),
    **ROLLOUT_WORDS,
}
