"""Tenants, keys and quotas: whose they are, what they show, and what they never show again."""

from datetime import UTC, datetime

from domain.principal import Role
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.world import World

ISSUE = """mutation ($label: String!, $tenant: ID, $key: String) {
  apiKeyIssue(label: $label, role: OPERATOR, tenantId: $tenant, idempotencyKey: $key) {
    apiKey { id label role revokedAt } secret eventPosition userErrors { field code }
  }
}"""
KEYS = "{ apiKeys(first: 10) { nodes { id label role platform createdBy revokedAt } } }"
REVOKE = """mutation ($id: ID!) {
  apiKeyRevoke(apiKeyId: $id) { apiKey { id revokedAt } userErrors { field code } }
}"""
QUOTAS = """{
  quotas {
    kind period used limit resetsAt
    units(first: 10) { nodes { subject returnedReason spentBy { topic streamId } } }
  }
}"""


async def test_a_key_shows_its_secret_once_and_its_hash_never(ours: Client) -> None:
    issued = await ours.data(ISSUE, label="robot", key="k")
    assert issued["secret"].startswith("ew_")
    assert issued["apiKey"] | {"id": ""} == {
        "id": "",
        "label": "robot",
        "role": "OPERATOR",
        "revokedAt": None,
    }
    again = await ours.data(ISSUE, label="robot", key="k")
    assert again["secret"] is None
    assert again["apiKey"] == issued["apiKey"]
    events = await ours.data("{ events(first: 100) { nodes { topic data } } }")
    assert "sha256" not in str(events)


async def test_a_revoked_key_stays_in_the_list_with_its_time(ours: Client) -> None:
    issued = await ours.data(ISSUE, label="robot")
    revoked = await ours.data(REVOKE, id=issued["apiKey"]["id"])
    assert revoked["apiKey"]["revokedAt"] is not None
    listed = {key["label"]: key for key in (await ours.data(KEYS))["nodes"]}
    assert listed["robot"]["revokedAt"] == revoked["apiKey"]["revokedAt"]
    assert listed["first"]["revokedAt"] is None


async def test_only_the_operator_opens_tenants_and_sees_them(world: World) -> None:
    register = """mutation { tenantRegister(name: "New", plan: FREE) {
      tenant { id name plan limits { models } } eventPosition userErrors { code } } }"""
    assert (await world.ours.data(register))["userErrors"] == [{"code": "FORBIDDEN"}]
    made = await world.operator.data(register)
    assert made["tenant"] | {"id": ""} == {
        "id": "",
        "name": "New",
        "plan": "FREE",
        "limits": {"models": 3},
    }
    issued = await world.operator.data(ISSUE, label="owner", tenant=made["tenant"]["id"])
    assert issued["apiKey"]["label"] == "owner"
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert await world.operator.data(node, id=made["tenant"]["id"]) is None
    listed = await world.operator.data(
        "query ($p: BigInt) { models(first: 1, waitFor: $p) { nodes { id } } }",
        p=issued["eventPosition"],
    )
    assert listed["nodes"] == []


async def test_a_flag_is_set_by_the_operator_and_by_its_name(world: World) -> None:
    flag = """mutation ($t: ID!, $flag: String!, $on: Boolean) {
      tenantFlagSet(tenantId: $t, flag: $flag, enabled: $on) {
        tenant { name } userErrors { field code } } }"""
    tenant = str(world.ours.tenant_id)
    refused = await world.operator.data(flag, t=tenant, flag="nonsense", on=True)
    assert refused["userErrors"] == [{"field": "flag", "code": "INVALID"}]
    own = await world.ours.data(flag, t=tenant, flag="edge_ai_models", on=False)
    assert own["userErrors"][0]["code"] == "FORBIDDEN"
    done = await world.operator.data(flag, t=tenant, flag="edge_ai_models", on=False)
    assert done == {"tenant": {"name": "Ours"}, "userErrors": []}


async def test_every_unit_of_quota_links_to_the_event_that_spent_it(ours: Client) -> None:
    model, artifact = await ours.model_with_source()
    await ours.data(
        "mutation ($m: ID!, $a: ID!) {"
        " modelBenchmark(modelId: $m, input: {artifactIds: [$a]}) { eventPosition } }",
        m=model,
        a=artifact,
    )
    other = (await ours.register("other"))["model"]["id"]
    position = (
        await ours.data(
            "mutation ($m: ID!) { modelArchive(modelId: $m) { eventPosition } }", m=other
        )
    )["eventPosition"]
    await ours.data("query ($p: BigInt) { quotas(waitFor: $p) { kind } }", p=position)
    quotas = {quota["kind"]: quota for quota in await ours.data(QUOTAS)}
    models, benchmarks = quotas["models"], quotas["benchmarks"]
    assert (models["used"], models["limit"], models["resetsAt"]) == (1, 20, None)
    returned = [unit["returnedReason"] for unit in models["units"]["nodes"]]
    assert returned == ["archived", None]
    assert {u["spentBy"]["topic"] for u in models["units"]["nodes"]} == {"model.registered"}
    assert (benchmarks["used"], benchmarks["limit"]) == (1, 100)
    assert benchmarks["units"]["nodes"][0]["spentBy"]["topic"] == "job.requested"
    assert benchmarks["period"] == f"{datetime.now(UTC):%Y-%m}"
    assert benchmarks["resetsAt"].endswith("-01T00:00:00+00:00")
    assert quotas["optimizations"]["used"] == 0


async def test_what_stopped_a_view_is_told_to_the_operator_alone(world: World) -> None:
    with world.database.system() as connection:
        connection.execute(
            "UPDATE followers SET stopped_position = 1, stopped_topic = 'x',"
            " stopped_error = 'secret' WHERE name = 'models'"
        )
    query = "{ system { environment version followers { name lag stoppedError } } }"
    ours, operator = await world.ours.data(query), await world.operator.data(query)
    assert (ours["environment"], ours["version"]) == ("test", "0.1.0")
    assert "secret" not in str(ours)
    assert "secret" in str(operator)
    assert {follower["name"] for follower in ours["followers"]} >= {"models", "jobs", "quotas"}


async def test_keys_are_nodes_for_owners_only(ours: Client) -> None:
    key = (await ours.data(ISSUE, label="robot"))["apiKey"]["id"]
    node = "query ($id: ID!) { node(id: $id) { id ... on ApiKey { label } } }"
    assert await ours.data(node, id=key) == {"id": key, "label": "robot"}
    assert await ours.as_role(Role.VIEWER).data(node, id=key) is None
