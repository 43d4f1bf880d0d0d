"""Mutations: idempotent, refused by role and by field, and readable at once."""

import asyncio
from typing import Any

import pytest

from application.waiting import Waiter
from domain.flag import Flag
from domain.principal import Role
from tests.interfaces.graphql.client import REGISTER, Client
from tests.interfaces.graphql.simple_ports import SwitchedFlags
from tests.interfaces.graphql.world import World


async def test_the_same_key_and_input_make_one_thing(ours: Client) -> None:
    first = await ours.data(REGISTER, name="digits", key="k1")
    again = await ours.data(REGISTER, name="digits", key="k1")
    assert again["model"]["id"] == first["model"]["id"]
    assert again["userErrors"] == []


async def test_the_same_key_and_another_input_are_refused(ours: Client) -> None:
    await ours.data(REGISTER, name="digits", key="k1")
    again = await ours.data(REGISTER, name="letters", key="k1")
    assert _codes(again) == ["IDEMPOTENCY_MISMATCH"]
    assert again["userErrors"][0]["field"] == "idempotencyKey"


@pytest.mark.parametrize("key", ["", "\0", "x" * 201, "a\nb", "\ud800"])
async def test_a_key_that_cannot_be_is_refused(ours: Client, key: str) -> None:
    payload = await ours.data(REGISTER, name="digits", key=key)
    assert payload["userErrors"][0]["field"] == "idempotencyKey"


@pytest.mark.parametrize(
    "name", ["", " ", " a", "a\0", "a\u202eb", "x" * 10_000, "\ud800", "a\nb", "\ufeff"]
)
async def test_a_name_that_cannot_be_is_refused_by_field(ours: Client, name: str) -> None:
    payload = await ours.data(REGISTER, name=name)
    assert payload["model"] is None
    assert (payload["userErrors"][0]["field"], _codes(payload)) == ("name", ["INVALID"])


@pytest.mark.parametrize("name", ["a\0", "\ud800", "x" * 10_000, "'; DROP TABLE models; --", "%_"])
async def test_hostile_text_in_a_search_finds_nothing_and_breaks_nothing(
    ours: Client, name: str
) -> None:
    await ours.register("digits")
    for query in (
        "query ($n: String!) { model(name: $n) { id } }",
        "query ($n: String!) { dataset(name: $n) { id } }",
        "query ($n: String!) { models(first: 1, nameContains: $n) { nodes { id } } }",
        "query ($n: String!) { jobs(first: 1, kind: $n) { nodes { id } } }",
    ):
        asked = await ours.ask(query, n=name)
        if asked.errors:
            assert asked.code == "INVALID"
        else:
            assert asked.data is not None
            assert next(iter(asked.data.values())) in (None, {"nodes": []})


@pytest.mark.parametrize("word", ["", "\0", "\ud800", "x" * 101, "a\u202eb"])
async def test_words_that_no_table_can_hold_never_become_events(ours: Client, word: str) -> None:
    hardware = {"architecture": "X86_64", "cores": 1, "memoryBytes": 2**30, "runtimes": [word]}
    payload = await ours.data(DEFINE, hardware=hardware)
    assert _codes(payload) == ["INVALID"]
    assert payload["userErrors"][0]["field"] == "hardware.runtimes"


@pytest.mark.parametrize("position", [-1, 2**53 + 1, 1.5, "1", True])
async def test_a_position_that_cannot_be_is_refused(ours: Client, position: object) -> None:
    query = "query ($p: BigInt) { models(first: 1, waitFor: $p) { nodes { id } } }"
    asked = await ours.ask(query, p=position)
    assert asked.errors
    assert asked.errors[0].get("extensions", {}).get("code") != "INTERNAL"


async def test_a_viewer_may_look_and_change_nothing(ours: Client) -> None:
    viewer = ours.as_role(Role.VIEWER)
    assert _codes(await viewer.data(REGISTER, name="digits")) == ["FORBIDDEN"]
    assert (await viewer.data("{ models(first: 1) { nodes { id } } }"))["nodes"] == []


async def test_keys_are_the_owners_alone(ours: Client) -> None:
    operator = ours.as_role(Role.OPERATOR)
    assert (await operator.ask("{ apiKeys(first: 1) { nodes { id } } }")).code == "FORBIDDEN"
    issue = 'mutation { apiKeyIssue(label: "x", role: OWNER) { userErrors { code } } }'
    assert _codes(await operator.data(issue)) == ["FORBIDDEN"]


async def test_nobody_is_told_to_sign_in(ours: Client) -> None:
    ours.context.principal = None
    assert (await ours.ask("{ viewer { actor } }")).code == "UNAUTHENTICATED"


async def test_what_breaks_is_masked_and_names_the_request(
    ours: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(type(ours.context.platform.log), "find", broken)
    asked = await ours.ask(REGISTER, name="digits")
    assert asked.errors[0]["message"] == "Internal error"
    request_id = asked.errors[0]["extensions"]["requestId"]
    assert "hunter2" not in str(asked.errors)
    assert request_id in caplog.text
    assert "hunter2" in caplog.text


async def test_a_feature_that_is_off_refuses(ours: Client) -> None:
    flags = ours.context.platform.flags
    assert isinstance(flags, SwitchedFlags)
    flags.off.add(Flag.MODELS)
    assert _codes(await ours.register("digits")) == ["FEATURE_DISABLED"]
    viewer = await ours.data("{ viewer { flags { name enabled } } }")
    assert {"name": "edge_ai_models", "enabled": False} in viewer["flags"]


async def test_a_plan_that_is_used_up_names_limit_and_use(world: World) -> None:
    plan = "mutation ($t: ID!) { tenantPlanChange(tenantId: $t, plan: FREE) { tenant { plan } } }"
    changed = await world.operator.data(plan, t=str(world.ours.tenant_id))
    assert changed["tenant"] == {"plan": "FREE"}
    for number in range(3):
        assert not _codes(await world.ours.register(f"m{number}"))
    refused = await world.ours.register("m3")
    assert _codes(refused) == ["QUOTA_EXCEEDED"]
    assert "allows 3 models; 3 are used" in refused["userErrors"][0]["message"]


async def test_a_lagging_projection_hides_nothing_that_was_accepted(world: World) -> None:
    world.followers["models"].close()
    world.ours.context.waiter = _impatient(world)
    payload = await world.ours.register("digits")
    assert payload["model"]["name"] == "digits"
    assert payload["eventPosition"] > 0
    assert payload["userErrors"] == []
    query = "query ($p: BigInt) { models(first: 1, waitFor: $p) { nodes { id } } }"
    asked = await world.ours.ask(query, p=payload["eventPosition"])
    assert asked.code == "PROJECTION_LAGGING"
    assert "models" in asked.errors[0]["message"]


async def test_a_projection_that_comes_back_answers_those_who_wait(world: World) -> None:
    position = (await world.ours.register("digits"))["eventPosition"]
    listed = await world.ours.data(
        "query ($p: BigInt) { models(first: 1, waitFor: $p) { nodes { name } } }", p=position
    )
    assert listed["nodes"] == [{"name": "digits"}]


async def test_a_position_beyond_the_head_is_refused_at_once(ours: Client) -> None:
    position = (await ours.register("digits"))["eventPosition"]
    query = "query ($p: BigInt) { models(first: 1, waitFor: $p) { nodes { id } } }"
    asked = await ours.ask(query, p=position + 1_000)
    assert (asked.code, asked.errors[0]["extensions"]["field"]) == ("INVALID", "waitFor")


def _impatient(world: World) -> Waiter:
    return Waiter(world.context.reads, world.context.listener, longest=0.3)


def _codes(payload: Any) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


DEFINE = """mutation ($hardware: HardwareInput!) {
  deviceProfileDefine(name: "p", hardware: $hardware) {
    deviceProfile { id } userErrors { field code }
  }
}"""


async def test_twenty_requests_at_once_with_one_key_make_one_thing(ours: Client) -> None:
    asked = [ours.data(REGISTER, name="digits", key="k1") for _ in range(20)]
    payloads = await asyncio.gather(*asked)
    assert [payload["userErrors"] for payload in payloads] == [[]] * 20
    assert len({payload["model"]["id"] for payload in payloads}) == 1
    story = await ours.data("query { events(first: 100) { nodes { topic } } }")
    topics = [event["topic"] for event in story["nodes"]]
    assert topics.count("model.registered") == topics.count("quota.spent") == 1
