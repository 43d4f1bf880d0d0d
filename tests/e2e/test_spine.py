"""From a GraphQL mutation to a proven artifact, and back to any moment of it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.e2e.running import Api
from tests.patience import PATIENCE, eventually

OPTIMIZE = """
mutation($model: ID!, $calibration: ID, $evaluation: ID, $key: String) {
  modelOptimize(modelId: $model, idempotencyKey: $key,
                input: {calibrationDatasetId: $calibration, evaluationDatasetId: $evaluation}) {
    job { id } eventPosition userErrors { code field message } } }
"""
VARIANTS = """
query($id: ID!) { model(id: $id) {
  aliases { name artifact { id variant } }
  artifacts(first: 20) { nodes { id variant passed bytes proof signature { opset }
    files { sha256 bytes downloadUrl } benchmark { p50Ms p90Ms p99Ms evidence details } } } } }
"""


def watched(api: Api, job: str) -> list[dict[str, object]]:
    """Everything that jobProgressed says, from the beginning until it completes."""
    said = []
    url = api.url.replace("http", "ws") + "/graphql"
    protocols = [Subprotocol("graphql-transport-ws")]
    with connect(url, subprotocols=protocols, open_timeout=PATIENCE) as socket:
        payload = {"authorization": f"Bearer {api.token}"}
        socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(socket.recv(timeout=PATIENCE))["type"] == "connection_ack"
        query = """subscription($job: ID!) { jobProgressed(jobId: $job, after: 0) {
                     status stage percent position } }"""
        ask = {"query": query, "variables": {"job": job}}
        socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": ask}))
        while True:
            message = json.loads(socket.recv(timeout=PATIENCE))
            if message["type"] == "complete":
                return said
            if message["type"] == "next":
                assert "errors" not in message["payload"], message
                said.append(message["payload"]["data"]["jobProgressed"])


def test_a_model_becomes_measured_optimized_artifacts_live(
    platform: Api, digits_folder: Path
) -> None:
    model = platform.push_model(digits_folder / "digits.onnx", "digits")
    assert model["source"]["signature"]["inputs"][0]["name"] == "image"
    calibration = platform.push_dataset(
        digits_folder / "digits-calibration.npz", "calibration", "CALIBRATION"
    )
    evaluation = platform.push_dataset(
        digits_folder / "digits-evaluation.npz", "evaluation", "EVALUATION"
    )
    asked = platform.change(
        OPTIMIZE, model=model["id"], calibration=calibration, evaluation=evaluation, key="k1"
    )
    again = platform.change(
        OPTIMIZE, model=model["id"], calibration=calibration, evaluation=evaluation, key="k1"
    )
    assert again["job"]["id"] == asked["job"]["id"]
    said = watched(platform, asked["job"]["id"])
    positions = [word["position"] for word in said if word["position"] is not None]
    assert positions == sorted(set(positions))
    assert said[-1]["status"] == "SUCCEEDED", platform.job(asked["job"]["id"])
    stages = {word["stage"] for word in said}
    assert {"graph", "fp16", "static_int8"} <= stages

    def variants() -> dict[str, dict[str, object]] | None:
        nodes = platform.run(VARIANTS, id=model["id"])["model"]["artifacts"]["nodes"]
        return {node["variant"]: node for node in nodes} if len(nodes) > 3 else None

    made = eventually(variants)
    assert made is not None
    assert made["static_int8"]["proof"]["verdict"]["measure"] == "ACCURACY"  # type: ignore[index]
    assert made["static_int8"]["bytes"] < made["source"]["bytes"]  # type: ignore[operator]
    job = platform.benchmark(model["id"], [str(one["id"]) for one in made.values()], 20)
    assert platform.ended(job)["status"] == "SUCCEEDED"

    def measured() -> bool:
        nodes = platform.run(VARIANTS, id=model["id"])["model"]["artifacts"]["nodes"]
        return all(node["benchmark"] for node in nodes)

    assert eventually(measured)
    node = platform.run(VARIANTS, id=model["id"])["model"]["artifacts"]["nodes"][0]
    figures = node["benchmark"]
    assert figures["evidence"] == "MEASURED"
    assert 0 < figures["p50Ms"] <= figures["p90Ms"] <= figures["p99Ms"]
    assert len(figures["details"]["samples_ms"]) >= 20
    before = datetime.now(UTC).isoformat()
    passed = next(one for one in made.values() if one["passed"] and one["variant"] != "source")
    moved = platform.change(
        """mutation($model: ID!, $artifact: ID!) {
             modelAliasMove(modelId: $model, alias: "production", artifactId: $artifact) {
               model { aliases { name artifact { id } } } eventPosition
               userErrors { code message } } }""",
        model=model["id"],
        artifact=passed["id"],
    )
    assert moved["model"]["aliases"][0]["artifact"]["id"] == passed["id"]
    past = platform.run(
        "query($id: ID!, $time: DateTime!) { model(id: $id, asOf: {time: $time}) {"
        " aliases { name } } }",
        id=model["id"],
        time=before,
    )
    assert past["model"]["aliases"] == []
    story = [event["topic"] for event in platform.events(model["id"])]
    assert story[:2] == ["model.registered", "model.version-uploaded"]
    assert story[-1] == "model.alias-moved"


def test_an_artifact_is_downloaded_by_a_signed_url_with_range(
    platform: Api, digits_folder: Path
) -> None:
    model = platform.push_model(digits_folder / "digits.onnx", "to download")
    nodes = platform.run(VARIANTS, id=model["id"])["model"]["artifacts"]["nodes"]
    url = nodes[0]["files"][0]["downloadUrl"]
    whole = httpx.get(url, timeout=PATIENCE)
    assert whole.content == (digits_folder / "digits.onnx").read_bytes()
    part = httpx.get(url, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    token = url.split("/downloads/")[1].split("/")[0]
    forged = url.replace(token, token[:-3] + "abc")
    assert httpx.get(forged).status_code == 403


def test_cancelling_really_stops_the_work(platform: Api, slow_model: Path) -> None:
    model = platform.push_model(slow_model, "to cancel")
    job = platform.benchmark(model["id"], [model["source"]["id"]], 9900)
    eventually(lambda: platform.job(job)["status"] == "RUNNING")
    platform.change(
        "mutation($id: ID!) { jobCancel(jobId: $id) { job { id } userErrors { code message } } }",
        id=job,
    )
    ended = platform.ended(job)
    assert ended["status"] == "CANCELLED"
    assert ended["result"] is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty", b""),
        ("text", b"hello, I am a model"),
        ("pickle", b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins"),
        ("random", bytes(range(256)) * 40),
    ],
)
def test_what_is_not_a_model_is_refused_and_leaves_no_version(
    platform: Api, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / f"{name}.onnx"
    path.write_bytes(content)
    if not content:
        answer = platform.http.post(
            "/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "0"}
        )
        assert answer.status_code == 400
        return
    model = platform.change(
        """mutation($name: String!) { modelRegister(name: $name) {
             model { id } userErrors { code } } }""",
        name=f"bad {name}",
    )["model"]["id"]
    refused = platform.run(
        """mutation($model: ID!, $upload: ID!) {
             modelVersionUpload(modelId: $model, uploadId: $upload) {
               artifact { id } userErrors { code field message } } }""",
        model=model,
        upload=platform.upload(path, "MODEL"),
    )["modelVersionUpload"]
    assert refused["artifact"] is None
    assert refused["userErrors"][0]["code"] == "MODEL_REFUSED"
    assert refused["userErrors"][0]["field"] == "uploadId"
    assert [event["topic"] for event in platform.events(model)] == ["model.registered"]
