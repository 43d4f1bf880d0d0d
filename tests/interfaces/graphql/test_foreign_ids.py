"""Another tenant's id is NOT_FOUND, in every field of the schema that takes an id.

The test walks the schema. An argument that takes an id and is not covered here fails it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import anyio.to_thread
import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLSchema,
    get_named_type,
    is_list_type,
    is_non_null_type,
)
from strawberry import Schema

from domain.cause import Cause, acting
from domain.principal import Role
from domain.rollout import Rollout
from domain.update import Update
from domain.upload import UploadPurpose
from interfaces.graphql.node import global_id, parsed_any_id
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.devices import device
from tests.interfaces.graphql.rollouts import SHOWN, draft
from tests.interfaces.graphql.test_members import joined
from tests.interfaces.graphql.world import World

HARDWARE = {"architecture": "X86_64", "cores": 4, "memoryBytes": 2**30, "runtimes": ["onnx"]}
OTHERS: dict[str, Any] = {"alias": "production", "hardware": HARDWARE, "plan": "PRO", "label": "x"}
OTHERS |= {"from": {"time": "2026-01-01T00:00:00Z"}, "patch": {"a": 1}, "reason": "stolen"}
OTHERS |= {"kind": "PING", "name": "n", "rule": {}, "revert": False}
OTHERS |= {"flag": "edge_ai_models", "role": "VIEWER", "format": "ONNX", "bytes": 1000}
OF_FIELD = {
    "model": "modelId",
    "artifact": "artifactId",
    "artifacts": "artifactIds",
    "dataset": "datasetId",
    "deviceProfile": "deviceProfileId",
    "device": "deviceId",
    "deviceCommand": "commandId",
    "deviceGroup": "deviceGroupId",
    "rollout": "rolloutId",
    "update": "updateId",
    "job": "jobId",
    "jobs": "modelId",
    "node": "modelId",
    "why": "modelId",
    "events": "modelId",
    "eventsAppended": "modelId",
}
"""What an argument named only `id`, `ids` or `of` stands for, by its field."""
NOT_HERE = ("sessionRevoke", "memberRemove", "modelsOptimize")
"""A session belongs to its user and to no tenant (see test_sign_in); whoever is no member is
removed already, and nothing is told; a batch refuses each model by itself: test_models_optimize."""
PLAIN = ("uploadId", "uploadIds", "userId")


ROLLOUT: dict[str, Callable[[dict[str, str]], Any]] = {
    "release": lambda ids: {"artifactId": ids["artifactId"]},
    "target": lambda ids: {"query": {}},
    "plan": lambda ids: None,
}
"""Inputs of rolloutDraft, where the id is in another one."""


@dataclass(frozen=True)
class Place:
    """One argument that takes an id: `path` leads through input objects."""

    operation: str
    field: str
    path: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What the id is of, as the name of an argument."""
        name = self.path[-1]
        return OF_FIELD[self.field] if name in ("id", "ids", "of") else name


def places(schema: GraphQLSchema) -> Iterator[Place]:
    roots = {
        "query": schema.query_type,
        "mutation": schema.mutation_type,
        "subscription": schema.subscription_type,
    }
    for operation, root in roots.items():
        assert root is not None
        for name, field in root.fields.items():
            for path in _id_paths(field.args):
                if name not in NOT_HERE:
                    yield Place(operation, name, path)
    for type_name, type_ in schema.type_map.items():
        if hasattr(type_, "fields") and type_ not in roots.values():
            for name, field in type_.fields.items():
                for path in _id_paths(getattr(field, "args", {})):
                    raise AssertionError(f"{type_name}.{name} takes an id at {path}: cover it here")


def _id_paths(arguments: Any) -> Iterator[tuple[str, ...]]:
    for name, argument in arguments.items():
        type_ = get_named_type(argument.type)
        if type_.name == "ID":
            yield (name,)
        elif isinstance(type_, GraphQLInputObjectType):
            yield from ((name, *rest) for rest in _id_paths(type_.fields))


async def _things(client: Client) -> dict[str, str]:
    """One thing of every kind, by the name of the argument that takes its id."""
    model, artifact = await client.model_with_source("digits")
    key = await client.data('mutation { apiKeyIssue(label: "k", role: VIEWER) { apiKey { id } } }')
    job = await client.data(
        "mutation ($m: ID!, $a: ID!) { modelBenchmark(modelId: $m, input: {artifactIds: [$a]})"
        " { job { id } userErrors { message } } }",
        m=model,
        a=artifact,
    )
    dataset = await client.data(
        'mutation { datasetRegister(name: "d", purpose: CALIBRATION) { dataset { id } } }'
    )
    profile = await client.data(
        'mutation ($h: HardwareInput!) { deviceProfileDefine(name: "p", hardware: $h)'
        " { deviceProfile { id } } }",
        h=HARDWARE,
    )
    invited = await client.data(
        'mutation { memberInvite(email: "someone@example.com", role: VIEWER)'
        " { invitation { id } userErrors { message } } }"
    )
    lamp = await device(client, "lamp")
    claims = await client.data("mutation { deviceClaimsIssue { claims { id } } }")
    group = await client.data(
        'mutation { deviceGroupDefine(name: "g", query: {}) { deviceGroup { id } } }'
    )
    command = await client.data(
        "mutation ($d: ID!) { deviceCommandSend(deviceId: $d, kind: PING)"
        " { deviceCommand { id } } }",
        d=lamp,
    )
    rollout = await draft(client)
    update = await _updated(client, rollout["id"], lamp)
    member, _ = await joined(client, f"{uuid4().hex}@example.com", Role.VIEWER)
    return {
        "invitationId": invited["invitation"]["id"],
        "userId": str(member.id),
        "modelId": model,
        "artifactId": artifact,
        "artifactIds": artifact,
        "uploadId": client.uploaded(),
        "uploadIds": client.uploaded(UploadPurpose.RELEASE),
        "rolloutId": rollout["id"],
        "updateId": update,
        "referenceId": artifact,
        "datasetId": dataset["dataset"]["id"],
        "calibrationDatasetId": dataset["dataset"]["id"],
        "evaluationDatasetId": dataset["dataset"]["id"],
        "deviceProfileId": profile["deviceProfile"]["id"],
        "deviceId": lamp,
        "deviceIds": lamp,
        "deviceGroupId": group["deviceGroup"]["id"],
        "deviceClaimId": claims["claims"][0]["id"],
        "commandId": command["deviceCommand"]["id"],
        "jobId": job["job"]["id"],
        "apiKeyId": key["apiKey"]["id"],
        "tenantId": (await client.data("{ viewer { tenant { id } } }"))["tenant"]["id"],
    }


async def _updated(client: Client, rollout: str, lamp: str) -> str:
    """An update of a rollout that goes out, for the device."""
    ids = [parsed_any_id(one, "id")[1] for one in (rollout, lamp)]

    def queue() -> Update:
        with acting(Cause(client.tenant_id, "key:test", "request:1", "1")):
            going = client.context.platform.log.find(Rollout, ids[0])
            assert going is not None
            going.approve("key:test", "0" * 64, (1,))
            going.prepared(None)
            going.start_wave(1)
            update = Update.queue(*ids, 1, going.release.id)
            client.context.platform.log.save(going, update)
            return update

    update = await anyio.to_thread.run_sync(queue)
    await client.context.waiter.reached(await client.context.present.reads.head(), SHOWN)
    return global_id("Update", update.id)


def _request(
    schema: GraphQLSchema, place: Place, ids: dict[str, str]
) -> tuple[str, dict[str, Any]]:
    """The operation and its variables, with an id at every place that must have one."""
    root = getattr(schema, f"{place.operation}_type")
    field = root.fields[place.field]
    variables, declared, passed = {}, [], []
    for name, argument in field.args.items():
        if (value := _value(name, argument.type, place, (name,), ids)) is not None:
            variables[name] = value
            declared.append(f"${name}: {argument.type}")
            passed.append(f"{name}: ${name}")
    paged = get_named_type(field.type).name.endswith("Connection")
    selected = "{ __typename userErrors { field code } }"
    if place.operation != "mutation":
        selected = "{ __typename }"
    if paged or place.field == "events":
        variables["first"] = 1
        declared.append("$first: Int!")
        passed.append("first: $first")
    head = f"{place.operation} ({', '.join(declared)})"
    return f"{head} {{ {place.field}({', '.join(passed)}) {selected} }}", variables


def _value(name: str, type_: Any, place: Place, path: tuple[str, ...], ids: dict[str, str]) -> Any:
    named = get_named_type(type_)
    if place.field == "rolloutDraft" and name in ROLLOUT:
        return _inside(place, ids) if place.path[0] == name else ROLLOUT[name](ids)
    if isinstance(named, GraphQLInputObjectType) and name in ("input", "filter", "query"):
        inner = {
            key: _value(key, argument.type, place, (*path, key), ids)
            for key, argument in named.fields.items()
        }
        return {key: value for key, value in inner.items() if value is not None}
    if named.name == "ID":
        if path != place.path and not is_non_null_type(type_):
            return None
        kind = Place(place.operation, place.field, path).kind
        many = is_list_type(type_.of_type if is_non_null_type(type_) else type_)
        return [ids[kind]] if many else ids[kind]
    return OTHERS.get(name) if is_non_null_type(type_) else None


def _inside(place: Place, ids: dict[str, str]) -> dict[str, Any]:
    """An input of rolloutDraft with nothing but the id at this place."""
    name = place.path[-1]
    value: Any = [ids[name]] if name in ("deviceIds", "uploadIds") else ids[place.kind]
    if "components" in place.path:
        kind = "FILES" if name == "uploadIds" else "MODEL"
        return {"components": [{"kind": kind, name: value}]}
    if "query" in place.path:
        return {"query": {name: value}}
    return {name: value}


async def test_another_tenants_id_is_not_found_wherever_an_id_is_taken(
    world: World, schema: Schema
) -> None:
    mine, foreign = await _things(world.ours), await _things(world.theirs)
    for place in places(schema._schema):
        id = foreign[place.kind]
        bare = id if place.kind in PLAIN else str(parsed_any_id(id, "id")[1])
        for given in (id, bare, str(uuid4())):
            ids = {**mine, place.kind: given}
            assert await _answer(world.ours, schema, place, ids) == "NOT_FOUND", (place, given)


async def test_ones_own_id_is_found_wherever_an_id_is_taken(world: World, schema: Schema) -> None:
    """The control of the test above: its requests are good ones but for the foreign id."""
    mine = await _things(world.ours)
    asking = [place for place in places(schema._schema) if place.operation == "query"]
    assert len(asking) >= 9
    for place in asking:
        assert await _answer(world.ours, schema, place, mine) is None, place


@pytest.mark.parametrize("garbage", ["", "x", "\0", "\u202e", "🙂" * 1_000, "TW9kZWw6", "é" * 300])
async def test_what_is_no_id_is_refused_by_the_name_of_the_argument(
    world: World, schema: Schema, garbage: str
) -> None:
    mine = await _things(world.ours)
    for place in places(schema._schema):
        query, variables = _request(schema._schema, place, {**mine, place.kind: garbage})
        code, field = await _refusal(world.ours, place, query, variables)
        assert code == "INVALID", (place, garbage)
        assert re.sub(r"\.\d+", "", field or "") == ".".join(place.path), place


async def test_an_id_of_another_type_names_nothing(world: World, schema: Schema) -> None:
    mine = await _things(world.ours)
    for place in places(schema._schema):
        if place.path[-1] in ("of",) or place.field in ("node", "why"):
            continue
        other = mine["jobId"] if place.kind != "jobId" else mine["modelId"]
        assert await _answer(world.ours, schema, place, {**mine, place.kind: other}) == "NOT_FOUND"


async def _answer(client: Client, schema: Schema, place: Place, ids: dict[str, str]) -> str | None:
    query, variables = _request(schema._schema, place, ids)
    return (await _refusal(client, place, query, variables))[0]


async def _refusal(
    client: Client, place: Place, query: str, variables: dict[str, Any]
) -> tuple[str | None, str | None]:
    """The code and field of the refusal; a null answer is NOT_FOUND."""
    if place.operation == "subscription":
        asked = await anext(client.subscribe(query, **variables))
    else:
        asked = await client.ask(query, **variables)
    if asked.errors:
        extensions = asked.errors[0].get("extensions", {})
        return extensions.get("code", asked.errors[0]["message"]), extensions.get("field")
    assert asked.data is not None
    answer = asked.data[place.field]
    if answer is None:
        return "NOT_FOUND", None
    if place.operation == "mutation" and answer["userErrors"]:
        return answer["userErrors"][0]["code"], answer["userErrors"][0]["field"]
    return None, None
