"""What people give rollouts that cannot be: refused by the name of the argument, before anything
happens."""

from typing import Any
from uuid import uuid4

import pytest

from domain.upload import UploadPurpose
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.devices import device
from tests.interfaces.graphql.rollouts import DRAFT, PAUSE, SETTINGS, act, done, draft

LIST = "{ rollouts(first: 10) { nodes { id } } }"
DELETE = "mutation ($m: ID!) { modelDelete(modelId: $m) { userErrors { code } } }"
REPLAY = """query ($id: ID!, $rule: StopRuleInput!) { rolloutReplay(rolloutId: $id, rule: $rule) {
  outcomes } }"""
BAD_PLANS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"waves": []}, "waves"),
    ({"waves": [{"share": 0.5}] * 51}, "waves"),
    ({"waves": [{"share": 0.5}, {"share": -0.1}]}, "waves.1"),
    ({"waves": [{"count": -1}]}, "waves.0"),
    ({"waves": [{"count": 0}]}, "waves.0"),
    ({"waves": [{"share": 1.5}]}, "waves.0"),
    ({"waves": [{"share": 0.5, "count": 1}]}, "waves.0"),
    ({"waves": [{}]}, "waves.0"),
    ({"soakSeconds": -1}, "soakSeconds"),
    ({"soakSeconds": 1e300}, "soakSeconds"),
    ({"offerSeconds": 0}, "offerSeconds"),
    ({"minSuccess": 2}, "minSuccess"),
    ({"attempts": 0}, "attempts"),
    ({"maxAtOnce": 0}, "maxAtOnce"),
    ({"maxPerMinute": -5}, "maxPerMinute"),
    ({"bandwidth": 0}, "bandwidth"),
    ({"stopRule": {"healthyRate": 0}}, "stopRule.healthyRate"),
    ({"stopRule": {"healthyRate": 1}}, "stopRule.healthyRate"),
    ({"stopRule": {"alpha": 5e-324}}, "stopRule.alpha"),
    ({"stopRule": {"maxRate": -0.1}}, "stopRule.maxRate"),
    ({"stopRule": {"minCount": 0}}, "stopRule.minCount"),
    ({"gates": [{"metric": "LATENCY", "maxRatio": 0}]}, "gates.0.maxRatio"),
    ({"gates": [{"metric": "LATENCY", "minDevices": -1}]}, "gates.0.minDevices"),
    ({"gates": [{"metric": "LATENCY"}, {"metric": "LATENCY"}]}, "gates"),
    ({"window": {"fromMinute": -1, "toMinute": 60}}, "window.fromMinute"),
    ({"window": {"fromMinute": 0, "toMinute": 1441}}, "window.toMinute"),
    ({"window": {"fromMinute": 60, "toMinute": 60}}, "window.toMinute"),
    ({"window": {"fromMinute": 0, "toMinute": 60, "days": [0]}}, "window.days"),
    ({"window": {"fromMinute": 0, "toMinute": 60, "days": []}}, "window.days"),
    ({"startsAt": "2026-11-22T10:00:00"}, "startsAt"),
)
SAME: dict[str, Any] = {"kind": "CONFIGURATION", "configuration": {}}
BAD_RELEASES: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "release"),
    ({"components": []}, "release"),
    ({"artifactId": str(uuid4()), "components": [SAME]}, "release"),
    ({"components": [SAME, SAME]}, "release.components"),
    ({"components": [{**SAME, "name": "../etc"}]}, "release.components.0.name"),
    ({"components": [{**SAME, "name": ""}]}, "release.components.0.name"),
    ({"components": [SAME, {"kind": "MODEL"}]}, "release.components.1.artifactId"),
    ({"components": [{"kind": "FILES"}]}, "release.components.0.uploadIds"),
    ({"components": [{**SAME, "configuration": []}]}, "release.components.0.configuration"),
    ({"components": [{**SAME, "configuration": None}]}, "release.components.0.configuration"),
    ({"components": [{**SAME, "configuration": {"a": float("nan")}}]},
     "release.components.0.configuration"),
    ({"components": [{**SAME, "configuration": {"a": "x" * 30_000}}]}, "release.components"),
    ({"components": [SAME], "compatibility": {"minAgent": "new"}},
     "release.compatibility.minAgent"),
    ({"components": [SAME], "compatibility": {"labels": ["berlin"]}},
     "release.compatibility.labels"),
)  # fmt: skip


async def error_of(client: Client, **given: Any) -> tuple[str, str, str]:
    """The code, field and message of the refusal of a draft; nothing was made."""
    good = {"name": "n", "release": SETTINGS, "target": {"query": {}}}
    payload = await client.data(DRAFT, **{**good, **given})
    assert payload["rollout"] is None
    (error,) = payload["userErrors"]
    assert (await client.data(LIST))["nodes"] == []
    return error["code"], error["field"], error["message"]


@pytest.mark.parametrize(("plan", "field"), BAD_PLANS)
async def test_a_plan_that_cannot_be_is_refused_by_its_field(
    ours: Client, plan: dict[str, Any], field: str
) -> None:
    assert (await error_of(ours, plan=plan))[:2] == ("INVALID", f"plan.{field}")


@pytest.mark.parametrize(("release", "field"), BAD_RELEASES)
async def test_a_release_that_cannot_be_is_refused_by_its_field(
    ours: Client, release: dict[str, Any], field: str
) -> None:
    assert (await error_of(ours, release=release))[:2] == ("INVALID", field)


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ({}, "target"),
        ({"deviceIds": []}, "target"),
        ({"query": {}, "deviceIds": [str(uuid4())]}, "target"),
        ({"deviceIds": [str(uuid4())], "dynamic": True}, "target.dynamic"),
        ({"deviceIds": [str(uuid4()) for _ in range(10_000)]}, "target.deviceIds"),
        ({"query": {"labels": ["berlin"]}}, "target.query.labels"),
        ({"query": {"text": "\u202e"}}, "target.query.text"),
    ],
)
async def test_a_target_that_cannot_be_is_refused_by_its_field(
    ours: Client, target: dict[str, Any], field: str
) -> None:
    assert (await error_of(ours, target=target))[:2] == ("INVALID", field)


async def test_ten_thousand_devices_by_name_are_refused_with_what_to_do_instead(
    ours: Client,
) -> None:
    _, _, told = await error_of(ours, target={"deviceIds": [str(uuid4()) for _ in range(10_000)]})
    assert told == (
        "Name at most 1,000 devices one by one. Give more of them a label, and target that."
    )
    made = await draft(ours)
    payload = await ours.data(
        act("rolloutRetry", ", deviceIds: $d", ", $d: [ID!]"),
        id=made["id"],
        d=[str(uuid4()) for _ in range(10_000)],
    )
    assert payload["userErrors"][0]["field"] == "deviceIds"


@pytest.mark.parametrize("number", ["NaN", '"many"', "[1]"])
async def test_what_is_no_number_is_refused_before_anything_is_asked(
    ours: Client, number: str
) -> None:
    asked = await ours.ask(
        'mutation { rolloutDraft(name: "n", release: {}, target: {},'
        f" plan: {{soakSeconds: {number}}}) {{ userErrors {{ code }} }} }}"
    )
    assert asked.errors
    assert asked.code not in (None, "INTERNAL")


async def test_a_number_too_large_for_any_computer_is_refused_by_its_field(ours: Client) -> None:
    payload = await ours.data(
        'mutation { rolloutDraft(name: "n", target: {query: {}}, plan: {soakSeconds: 1e999},'
        " release: {components: [{kind: CONFIGURATION, configuration: {}}]})"
        " { userErrors { code field } } }"
    )
    assert payload["userErrors"] == [{"code": "INVALID", "field": "plan.soakSeconds"}]


async def test_an_artifact_that_is_not_here_any_more_is_named_as_it_was_given(
    ours: Client,
) -> None:
    model, artifact = await ours.model_with_source()
    components = [{"kind": "MODEL", "artifactId": artifact}]
    await ours.data(DELETE, m=model)
    code, field, _ = await error_of(ours, release={"artifactId": artifact})
    assert (code, field) == ("NOT_FOUND", "release.artifactId")
    code, field, _ = await error_of(ours, release={"components": components})
    assert (code, field) == ("NOT_FOUND", "release.components.0.artifactId")


async def test_a_draft_of_what_was_deleted_since_is_not_approved(ours: Client) -> None:
    await device(ours)
    model, artifact = await ours.model_with_source()
    made = await done(ours, DRAFT, name="n", release={"artifactId": artifact}, target={"query": {}})
    await ours.data(DELETE, m=model)
    error = (await ours.data(act("rolloutApprove"), id=made["id"]))["userErrors"][0]
    assert (error["code"], error["field"]) == ("NOT_FOUND", "rolloutId")
    assert "deleted" in error["message"]


async def test_an_upload_for_something_else_is_no_file_of_a_release(ours: Client) -> None:
    await device(ours)
    wrong = {"kind": "FILES", "uploadIds": [ours.uploaded(UploadPurpose.MODEL)]}
    code, field, told = await error_of(ours, release={"components": [wrong]})
    assert (code, field) == ("INVALID_STATE", "release.components.0.uploadIds")
    assert "RELEASE" in told
    right = {"kind": "FILES", "uploadIds": [ours.uploaded(UploadPurpose.RELEASE)]}
    made = await done(ours, DRAFT, name="n", release={"components": [right]}, target={"query": {}})
    assert made["release"]["components"][0]["files"][0]["path"] == "model.onnx"


async def test_a_rollout_for_nobody_is_drafted_and_not_approved(ours: Client) -> None:
    made = await draft(ours)
    error = (await ours.data(act("rolloutApprove"), id=made["id"]))["userErrors"][0]
    assert (error["code"], error["field"]) == ("INVALID", "target")


@pytest.mark.parametrize("message", ["", "x" * 121, "\0", "\u202e", "\ud800"])
async def test_a_message_that_nobody_could_read_is_refused(ours: Client, message: str) -> None:
    made = await draft(ours)
    error = (await ours.data(PAUSE, id=made["id"], m=message))["userErrors"][0]
    assert (error["code"], error["field"]) == ("INVALID", "message")


async def test_a_rule_that_cannot_be_is_not_replayed(ours: Client) -> None:
    made = await draft(ours)
    asked = await ours.ask(REPLAY, id=made["id"], rule={"alpha": 0})
    assert asked.code == "INVALID"
    assert asked.errors[0]["extensions"]["field"] == "rule.alpha"
    assert await ours.data(REPLAY, id=made["id"], rule={}) == {"outcomes": 0}
