"""Plans, quotas, roles, keys and flags, through the API as a tenant meets them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.running import Api

REGISTER = """
mutation($name: String!, $key: String) { modelRegister(name: $name, idempotencyKey: $key) {
  model { id name } eventPosition userErrors { code field message } } }
"""
BENCHMARK = """
mutation($model: ID!, $artifact: ID!) {
  modelBenchmark(modelId: $model, input: {artifactIds: [$artifact], runs: 1}) {
    job { id } userErrors { code field message } } }
"""


def tenant(platform: Api, plan: str, role: str = "OWNER") -> tuple[Api, str]:
    """A new tenant on a plan, with a client that holds a key of it."""
    made = platform.change(
        """mutation($name: String!, $plan: Plan!) { tenantRegister(name: $name, plan: $plan) {
             tenant { id } userErrors { code message } } }""",
        name=f"tenant {uuid4().hex[:8]}",
        plan=plan,
    )["tenant"]["id"]
    return key(platform, role, made), made


def key(api: Api, role: str, tenant_id: str | None = None) -> Api:
    issued = api.change(
        """mutation($role: Role!, $tenant: ID) {
             apiKeyIssue(label: "test", role: $role, tenantId: $tenant) {
               secret apiKey { id } userErrors { code message } } }""",
        role=role,
        tenant=tenant_id,
    )
    return Api(api.url, issued["secret"])


def refusals(api: Api, mutation: str, **variables: Any) -> list[dict[str, Any]]:
    (payload,) = api.run(mutation, **variables).values()
    errors: list[dict[str, Any]] = payload["userErrors"]
    return errors


def test_the_fourth_model_on_free_is_refused_naming_limit_and_use(platform: Api) -> None:
    free, _ = tenant(platform, "FREE")
    for number in range(3):
        free.change(REGISTER, name=f"model {number}")
    (refused,) = refusals(free, REGISTER, name="model 4")
    assert refused["code"] == "QUOTA_EXCEEDED"
    assert "allows 3 models; 3 are used" in refused["message"]


def test_twenty_requests_at_once_cannot_overspend(platform: Api) -> None:
    free, _ = tenant(platform, "FREE")

    def register(number: int) -> bool:
        api = Api(free.url, free.token)
        return not refusals(api, REGISTER, name=f"at once {number}")

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(register, range(20))) == 3


def test_a_deleted_model_frees_its_name_and_its_place_in_the_plan(platform: Api) -> None:
    free, _ = tenant(platform, "FREE")
    ids = [free.change(REGISTER, name=f"m{n}")["model"]["id"] for n in range(3)]
    free.change(
        "mutation($id: ID!) { modelDelete(modelId: $id) { eventPosition userErrors { code } } }",
        id=ids[0],
    )
    free.change(REGISTER, name="m0")


def test_every_unit_links_to_the_event_that_spent_it(platform: Api) -> None:
    free, _ = tenant(platform, "FREE")
    made = free.change(REGISTER, name="linked")
    quotas = free.run(
        """query($at: BigInt) { quotas(waitFor: $at) { kind used limit
             units(first: 10) { nodes { subject spentBy { topic streamId } } } } }""",
        at=made["eventPosition"],
    )["quotas"]
    (models,) = [quota for quota in quotas if quota["kind"] == "models"]
    assert (models["used"], models["limit"]) == (1, 3)
    (unit,) = models["units"]["nodes"]
    assert unit["spentBy"]["topic"] == "model.registered"


def test_the_same_idempotency_key_makes_one_model_and_refuses_another_input(
    platform: Api,
) -> None:
    free, _ = tenant(platform, "FREE")

    def register(_: int) -> str:
        api = Api(free.url, free.token)
        return str(api.change(REGISTER, name="once", key="same")["model"]["id"])

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(register, range(20)))) == 1
    (refused,) = refusals(free, REGISTER, name="another", key="same")
    assert refused["code"] == "IDEMPOTENCY_MISMATCH"


def test_a_name_is_used_once_whatever_its_case(platform: Api) -> None:
    free, _ = tenant(platform, "FREE")
    free.change(REGISTER, name="Digits")
    (refused,) = refusals(free, REGISTER, name="digits")
    assert (refused["code"], refused["field"]) == ("NAME_TAKEN", "name")


def test_another_tenants_model_artifact_and_dataset_are_not_found(
    platform: Api, digits_folder: Path
) -> None:
    mine, _ = tenant(platform, "STARTER")
    theirs, _ = tenant(platform, "STARTER")
    model = theirs.push_model(digits_folder / "digits.onnx", "theirs")
    assert mine.run("query($id: ID!) { model(id: $id) { id } }", id=model["id"])["model"] is None
    own = mine.push_model(digits_folder / "digits.onnx", "mine")
    (refused,) = refusals(mine, BENCHMARK, model=own["id"], artifact=model["source"]["id"])
    assert refused["code"] == "NOT_FOUND"
    data = theirs.push_dataset(digits_folder / "digits-evaluation.npz", "theirs", "EVALUATION")
    (refused,) = refusals(
        mine,
        """mutation($model: ID!, $data: ID!) {
             modelOptimize(modelId: $model, input: {evaluationDatasetId: $data}) {
               job { id } userErrors { code field message } } }""",
        model=own["id"],
        data=data,
    )
    assert (refused["code"], refused["field"]) == ("NOT_FOUND", "input.evaluationDatasetId")


def test_a_viewer_reads_and_changes_nothing(platform: Api) -> None:
    viewer, _ = tenant(platform, "FREE", "VIEWER")
    assert viewer.run("{ models(first: 5) { nodes { id } } }")["models"]["nodes"] == []
    (refused,) = refusals(viewer, REGISTER, name="no")
    assert refused["code"] == "FORBIDDEN"
    answer = viewer.http.post(
        "/uploads",
        headers={
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "10",
            "Upload-Metadata": "purpose TU9ERUw=,filename bW9kZWwub25ueA==",
        },
    )
    assert answer.status_code == 403


def test_an_operator_issues_no_keys(platform: Api) -> None:
    operator, _ = tenant(platform, "FREE", "OPERATOR")
    (refused,) = refusals(
        operator,
        'mutation { apiKeyIssue(label: "x", role: OWNER) { secret userErrors { code } } }',
    )
    assert refused["code"] == "FORBIDDEN"


def test_only_the_operator_of_the_installation_opens_tenants_and_sets_plans(
    platform: Api,
) -> None:
    owner, own = tenant(platform, "FREE")
    (refused,) = refusals(
        owner,
        """mutation($id: ID!) { tenantPlanChange(tenantId: $id, plan: ENTERPRISE) {
             tenant { id } userErrors { code } } }""",
        id=own,
    )
    assert refused["code"] == "FORBIDDEN"


def test_a_revoked_key_opens_nothing_any_more(platform: Api) -> None:
    owner, _ = tenant(platform, "FREE")
    issued = owner.change(
        """mutation { apiKeyIssue(label: "short", role: VIEWER) {
             secret apiKey { id } userErrors { code } } }"""
    )
    short = Api(owner.url, issued["secret"])
    assert short.run("{ viewer { role } }")["viewer"]["role"] == "VIEWER"
    owner.change(
        """mutation($id: ID!) { apiKeyRevoke(apiKeyId: $id) {
             apiKey { revokedAt } eventPosition userErrors { code } } }""",
        id=issued["apiKey"]["id"],
    )
    answer = httpx.post(
        f"{owner.url}/graphql",
        json={"query": "{ viewer { role } }"},
        headers={"authorization": f"Bearer {issued['secret']}"},
    )
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "UNAUTHENTICATED"


def test_a_feature_can_be_switched_off_for_one_tenant(platform: Api) -> None:
    free, tenant_id = tenant(platform, "FREE")
    flag = """mutation($id: ID!, $on: Boolean) {
                tenantFlagSet(tenantId: $id, flag: "edge_ai_models", enabled: $on) {
                  tenant { id } eventPosition userErrors { code } } }"""
    platform.change(flag, id=tenant_id, on=False)
    (refused,) = refusals(free, REGISTER, name="off")
    assert refused["code"] == "FEATURE_DISABLED"
    assert "edge_ai_models" in refused["message"]
    platform.change(flag, id=tenant_id, on=None)
    free.change(REGISTER, name="on again")


@pytest.mark.parametrize(("plan", "largest"), [("FREE", 100_000_000), ("PRO", 2_000_000_000)])
def test_an_upload_larger_than_the_plan_is_refused_when_it_is_declared(
    platform: Api, plan: str, largest: int
) -> None:
    api, _ = tenant(platform, plan)
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Metadata": "purpose TU9ERUw=,filename bW9kZWwub25ueA==",
    }
    too_large = {**headers, "Upload-Length": str(3_000_000_000)}
    answer = api.http.post("/uploads", headers=too_large)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "TOO_LARGE"
    fits = api.http.post("/uploads", headers={**headers, "Upload-Length": str(largest)})
    assert fits.status_code == 201
