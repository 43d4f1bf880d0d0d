"""The object that a person means by a name, an id, or the beginning of an id.

Models, datasets, devices and profiles have names. An artifact is named within its model by variant
or by alias: `digits:static-int8`, `digits:production`; of several versions the latest is meant, and
`digits:static-int8@2` is the one of version 2. A name beats nothing: what is an id is an id.
"""

from collections.abc import Sequence
from typing import Any

from interfaces.cli.client import Client
from interfaces.cli.ids import by_beginning, is_id, relay_id
from interfaces.cli.queries import artifact as artifact_queries
from interfaces.cli.queries import dataset as dataset_queries
from interfaces.cli.queries import device as device_queries
from interfaces.cli.queries import device_claim as device_claim_queries
from interfaces.cli.queries import device_group as device_group_queries
from interfaces.cli.queries import job as job_queries
from interfaces.cli.queries import model as model_queries
from interfaces.cli.queries import profile as profile_queries
from interfaces.cli.queries import rollout as rollout_queries
from interfaces.cli.queries import tenant as tenant_queries
from interfaces.cli.refused import CommandRefused, not_found

RECENT = 100
At = dict[str, Any] | None
"""The `Moment` to look at; None for now."""


def model(
    client: Client, wanted: str, document: str = model_queries.FIND, at: At = None
) -> dict[str, Any]:
    """Now, or as it was `at` a moment. Refuses NOT_FOUND."""
    found = model_or_none(client, wanted, document, asOf=at)
    if found is None:
        raise not_found("model", wanted, "model", at)
    return found


def model_or_none(
    client: Client, wanted: str, document: str = model_queries.FIND, **variables: Any
) -> dict[str, Any] | None:
    return _named(client, "Model", wanted, document, variables)


def dataset(client: Client, wanted: str, field: str = "dataset") -> dict[str, Any]:
    """Refuses NOT_FOUND naming `field`."""
    found = dataset_or_none(client, wanted)
    if found is None:
        raise not_found("dataset", wanted, field)
    return found


def dataset_or_none(
    client: Client, wanted: str, document: str = dataset_queries.FIND, **variables: Any
) -> dict[str, Any] | None:
    return _named(client, "Dataset", wanted, document, variables)


def profile(client: Client, wanted: str) -> dict[str, Any]:
    """A template or one of the tenant's own. Refuses NOT_FOUND."""
    held = [*client.run(profile_queries.TEMPLATES)["deviceProfileTemplates"]]
    held += client.pages(profile_queries.LIST, "deviceProfiles")
    for candidate in held:
        names = (candidate["name"].casefold(), candidate["id"])
        if wanted.casefold() in names or relay_id("DeviceProfile", wanted) == candidate["id"]:
            return dict(candidate)
    return _by_beginning(held, wanted, "profile")


def device(
    client: Client, wanted: str, document: str = device_queries.FIND, at: At = None
) -> dict[str, Any]:
    """By name, id, or the beginning of an id among the latest. Refuses NOT_FOUND."""
    found = _named(client, "Device", wanted, document, {"asOf": at})
    if found is None:
        edges = client.run(device_queries.LIST, first=RECENT, asOf=at)["devices"]["edges"]
        beginning = by_beginning(wanted, [edge["node"]["id"] for edge in edges], "device")
        if beginning is not None:
            found = _named(client, "Device", beginning, document, {"asOf": at})
    if found is None:
        raise not_found("device", wanted, "device", at)
    return found


def device_or_none(client: Client, wanted: str, **variables: Any) -> dict[str, Any] | None:
    return _named(client, "Device", wanted, device_queries.FIND, variables)


def device_group(client: Client, wanted: str, at: At = None) -> dict[str, Any]:
    """Refuses NOT_FOUND."""
    found = _named(client, "DeviceGroup", wanted, device_group_queries.FIND, {"asOf": at})
    if found is None:
        raise not_found("device group", wanted, "group", at)
    return found


def device_claim(client: Client, wanted: str) -> dict[str, Any]:
    """A claim, by its id or the beginning of it. Refuses NOT_FOUND."""
    held = list(client.pages(device_claim_queries.LIST, "deviceClaims"))
    exact = relay_id("DeviceClaim", wanted)
    for candidate in held:
        if candidate["id"] == exact:
            return candidate
    return _by_beginning(held, wanted, "claim")


def key(client: Client, wanted: str) -> dict[str, Any]:
    """An API key by id, its beginning, or its label where only one that works has it."""
    held = list(client.pages(tenant_queries.KEY_LIST, "apiKeys"))
    exact = relay_id("ApiKey", wanted)
    working = [k for k in held if k["label"] == wanted and not k["revokedAt"]]
    if len(working) > 1:
        raise CommandRefused("AMBIGUOUS", f"Several keys are labelled {wanted}. Give an id.", "key")
    for candidate in [*working, *held]:
        if candidate["id"] == exact or candidate in working:
            return candidate
    return _by_beginning(held, wanted, "key")


def rollout(client: Client, wanted: str, at: At = None) -> dict[str, Any]:
    """By id; by name or the beginning of an id among the latest. Refuses NOT_FOUND."""
    exact = relay_id("Rollout", wanted)
    if exact is None:
        edges = client.run(rollout_queries.LIST, first=RECENT, asOf=at)["rollouts"]["edges"]
        held = [edge["node"] for edge in edges]
        named = [one for one in held if one["name"].casefold() == wanted.casefold()]
        exact = (named[0] if named else _by_beginning(held, wanted, "rollout"))["id"]
    found = client.run(rollout_queries.FIND, id=exact, asOf=at)["rollout"]
    if found is None:
        raise not_found("rollout", wanted, "rollout", at)
    return dict(found)


def job_id(client: Client, wanted: str, at: At = None) -> str:
    """The Relay id of a job; a beginning is looked up among the latest. Refuses NOT_FOUND."""
    exact = relay_id("Job", wanted)
    if exact is not None:
        return exact
    edges = client.run(job_queries.LIST, first=RECENT, asOf=at)["jobs"]["edges"]
    found: str = _by_beginning([edge["node"] for edge in edges], wanted, "job")["id"]
    return found


def anything(client: Client, wanted: str, at: At = None) -> str:
    """The id of whatever has a story: an id of any kind, a name of a model, dataset or device, or
    the beginning of a job's id. Refuses NOT_FOUND."""
    if is_id(wanted):
        return wanted
    for search in (model_or_none, dataset_or_none, device_or_none):
        found = search(client, wanted, asOf=at)
        if found is not None:
            return str(found["id"])
    try:
        return job_id(client, wanted, at)
    except CommandRefused as refused:
        if refused.code != "NOT_FOUND":
            raise
    raise not_found("object", wanted, "stream", at)


def artifact_id(client: Client, wanted: str, model_id: str | None = None, at: At = None) -> str:
    """The Relay id of an artifact: an id, `MODEL:REFERENCE`, or within a model a reference."""
    exact = relay_id("Artifact", wanted)
    if exact is not None:
        return exact
    if model_id is None:
        name, _, reference = wanted.rpartition(":")
        if not name:
            raise CommandRefused(
                "INVALID",
                f"“{wanted}” is no artifact. Give its id, or MODEL:VARIANT or MODEL:ALIAS.",
                "artifact",
            )
        model_id, wanted = model(client, name, at=at)["id"], reference
    assert model_id is not None
    return _reference(client, model_id, wanted, at)


def artifacts_of_version(client: Client, model_id: str, version: int) -> list[str]:
    """The source of a version and the latest artifact of each of its variants."""
    held = client.pages(artifact_queries.REFERENCES, "model", "artifacts", modelId=model_id)
    of_version = [one for one in held if one["version"] == version]
    newest = {one["variant"]: one["id"] for one in sorted(of_version, key=_position)}
    return list(newest.values())


def _position(artifact: dict[str, Any]) -> int:
    return int(artifact["position"])


def _reference(client: Client, model_id: str, wanted: str, at: At) -> str:
    given = {"modelId": model_id, "asOf": at}
    held = list(client.pages(artifact_queries.REFERENCES, "model", "artifacts", **given))
    data = client.run(artifact_queries.REFERENCES, first=1, **given)
    for alias in data["model"]["aliases"] if data["model"] else ():
        if alias["name"] == wanted:
            return str(alias["artifact"]["id"])
    variant, _, version = wanted.partition("@")
    of_variant = [
        one for one in held if one["variant"] == variant and version in ("", str(one["version"]))
    ]
    if of_variant:
        newest = max(of_variant, key=lambda one: (one["version"], one["position"]))
        return str(newest["id"])
    found: str = _by_beginning(held, wanted, "artifact")["id"]
    return found


def _named(
    client: Client, kind: str, wanted: str, document: str, variables: dict[str, Any]
) -> dict[str, Any] | None:
    field = kind[0].lower() + kind[1:]
    exact = relay_id(kind, wanted)
    if exact is not None:
        found: dict[str, Any] | None = client.run(document, id=exact, **variables)[field]
        if found is not None:
            return found
    by_name: dict[str, Any] | None = client.run(document, name=wanted, **variables)[field]
    return by_name


def _by_beginning(held: Sequence[dict[str, Any]], wanted: str, what: str) -> dict[str, Any]:
    found = by_beginning(wanted, [one["id"] for one in held], what)
    if found is None:
        raise not_found(what, wanted, what)
    return next(one for one in held if one["id"] == found)
