"""The operator's sweep beside a running platform."""

import json
from pathlib import Path

from tests.e2e.conftest import Up
from tests.e2e.running import Api, Process
from tests.patience import eventually

DELETE = """mutation($id: ID!) { modelDelete(modelId: $id) {
  eventPosition userErrors { code message } } }"""
OPTIMIZE = """mutation($model: ID!) { modelOptimize(modelId: $model, input: {passes: [GRAPH]}) {
  job { id } userErrors { code message } } }"""


def swept(up: Up, arguments: str = "") -> dict[str, object]:
    process = Process(f"blobs sweep --json {arguments}", up.home, {})
    eventually(lambda: not process.running)
    told: dict[str, object] = json.loads(process.output)
    assert told["skipped"] is None, told
    return told


def freed(api: Api) -> float:
    lines = api.http.get("/metrics").text.splitlines()
    name = "edgewise_blob_bytes_freed_total "
    return next(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def test_a_deleted_models_bytes_are_found_and_marked_and_kept_for_the_grace_period(
    up: Up, digits_folder: Path
) -> None:
    api = up.start()
    assert freed(api) == 0.0
    model = api.push_model(digits_folder / "digits.onnx", "digits")
    job = api.change(OPTIMIZE, model=model["id"])["job"]["id"]
    assert api.ended(job)["status"] == "SUCCEEDED"
    held = swept(up)
    assert held["blobs"] == 1 + len(
        [file for file in api.job(job)["result"]["artifacts"] if file["variant"] != "source"]
    )
    assert held["unreferenced_blobs"] == 0
    api.change(DELETE, id=model["id"])
    # The upload still refers to the source, for a week; what the job made is referred to by nobody.
    made = swept(up, "--dry-run")
    assert made["unreferenced_blobs"] == int(str(held["blobs"])) - 1
    assert swept(up)["freed_blobs"] == 0
    assert (up.home / "blobs").is_dir()
