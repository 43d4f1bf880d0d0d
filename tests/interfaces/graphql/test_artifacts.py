"""Artifacts, their links and their jobs, and any of it by its id."""

from urllib.parse import urlsplit

import pytest

from domain.flag import Flag
from domain.upload import UploadPurpose
from tests.interfaces.graphql.client import UPLOAD, Client
from tests.interfaces.graphql.simple_ports import SwitchedFlags

FILES = """query ($id: ID!, $life: Int!) {
  artifact(id: $id) { files { path sha256 bytes downloadUrl(expiresIn: $life) } }
}"""
ALIAS = """mutation ($m: ID!, $alias: String!, $a: ID!) {
  modelAliasMove(modelId: $m, alias: $alias, artifactId: $a) {
    model { aliases { name artifact { id } } } userErrors { field code }
  }
}"""


async def test_an_uploaded_version_has_its_signature_and_a_link_to_its_bytes(ours: Client) -> None:
    _, artifact = await ours.model_with_source()
    shown = await ours.data(
        "query ($id: ID!) { artifact(id: $id) { variant format passed proof"
        " signature { inputs { name dtype shape } parameters opset } benchmark { p50Ms } } }",
        id=artifact,
    )
    assert shown["signature"]["inputs"] == [
        {"name": "x", "dtype": "float32", "shape": ["batch", "4"]}
    ]
    assert (shown["variant"], shown["format"], shown["benchmark"]) == ("source", "ONNX", None)
    file = (await ours.data(FILES, id=artifact, life=60))["files"][0]
    assert urlsplit(file["downloadUrl"]).path.endswith("/model.onnx")


@pytest.mark.parametrize("life", [0, -1, 7 * 86_400 + 1, 2**31 - 1])
async def test_a_link_that_lives_too_long_is_refused(ours: Client, life: int) -> None:
    _, artifact = await ours.model_with_source()
    asked = await ours.ask(FILES, id=artifact, life=life)
    assert (asked.code, asked.errors[0]["extensions"]["field"]) == ("INVALID", "expiresIn")


async def test_no_link_is_given_where_artifacts_are_switched_off(ours: Client) -> None:
    _, artifact = await ours.model_with_source()
    flags = ours.context.platform.flags
    assert isinstance(flags, SwitchedFlags)
    flags.off.add(Flag.ARTIFACTS)
    assert (await ours.ask(FILES, id=artifact, life=60)).code == "FEATURE_DISABLED"


async def test_the_same_upload_makes_one_version(ours: Client) -> None:
    model = (await ours.register("digits"))["model"]["id"]
    upload = ours.uploaded()
    first = await ours.data(UPLOAD, model=model, upload=upload)
    again = await ours.data(UPLOAD, model=model, upload=upload)
    assert again["artifact"] == first["artifact"]


async def test_artifacts_are_compared_in_the_order_they_are_asked_for(ours: Client) -> None:
    _, a = await ours.model_with_source("a")
    _, b = await ours.model_with_source("b")
    query = "query ($ids: [ID!]!) { artifacts(ids: $ids) { id } }"
    assert [one["id"] for one in await ours.data(query, ids=[b, a])] == [b, a]
    assert (await ours.ask(query, ids=[a] * 51)).code == "INVALID"


@pytest.mark.parametrize("alias", ["", "Production", "a b", "\0", "\ud800", "x" * 41])
async def test_an_alias_that_cannot_be_is_refused(ours: Client, alias: str) -> None:
    model, artifact = await ours.model_with_source()
    payload = await ours.data(ALIAS, m=model, alias=alias, a=artifact)
    assert payload["userErrors"] == [{"field": "alias", "code": "INVALID"}]


async def test_everything_is_a_node_by_global_id_and_by_bare_uuid(ours: Client) -> None:
    model, artifact = await ours.model_with_source()
    templates = await ours.data("{ deviceProfileTemplates { id template } }")
    tenant = (await ours.data("{ viewer { tenant { id } } }"))["tenant"]["id"]
    node = "query ($id: ID!) { node(id: $id) { __typename id } }"
    expected = {model: "Model", artifact: "Artifact", tenant: "Tenant"}
    for id, type_name in {**expected, templates[0]["id"]: "DeviceProfile"}.items():
        assert await ours.data(node, id=id) == {"__typename": type_name, "id": id}
    bare = str(ours.tenant_id)
    assert await ours.data(node, id=bare) == {"__typename": "Tenant", "id": tenant}


async def test_a_refused_benchmark_names_the_input(ours: Client) -> None:
    model, artifact = await ours.model_with_source()
    query = """mutation ($m: ID!, $input: BenchmarkInput!) {
      modelBenchmark(modelId: $m, input: $input) { job { id } userErrors { field code } } }"""
    for given, field in (
        ({"artifactIds": []}, "input.artifactIds"),
        ({"artifactIds": [artifact] * 11}, "input.artifactIds"),
        ({"artifactIds": ["x"]}, "input.artifactIds"),
    ):
        payload = await ours.data(query, m=model, input=given)
        assert payload["userErrors"] == [{"field": field, "code": "INVALID"}]
    payload = await ours.data(query, m=model, input={"artifactIds": [artifact], "runs": -1})
    assert payload["userErrors"][0]["code"] == "INVALID"


async def test_a_dataset_shows_its_latest_version(ours: Client) -> None:
    made = await ours.data(
        'mutation { datasetRegister(name: "d", purpose: CALIBRATION) { dataset { id } } }'
    )
    dataset = made["dataset"]["id"]
    payload = await ours.data(
        "mutation ($d: ID!, $u: ID!) { datasetVersionUpload(datasetId: $d, uploadId: $u)"
        " { dataset { versions latest { number rows arrays } } userErrors { code message } } }",
        d=dataset,
        u=ours.uploaded(UploadPurpose.DATASET),
    )
    assert payload["userErrors"] == []
    assert payload["dataset"]["latest"]["rows"] == 8
    wrong = await ours.data(
        "mutation ($d: ID!, $u: ID!) { datasetVersionUpload(datasetId: $d, uploadId: $u)"
        " { userErrors { code field } } }",
        d=dataset,
        u=ours.uploaded(UploadPurpose.MODEL),
    )
    assert wrong["userErrors"] == [{"code": "INVALID_STATE", "field": "uploadId"}]
