"""A finished optimization is done again from its event, and makes the same files."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import Api
from tests.patience import eventually

OPTIMIZE = """
mutation($model: ID!, $calibration: ID) {
  modelOptimize(modelId: $model, input: {
    calibrationDatasetId: $calibration, passes: [GRAPH, FP16, DYNAMIC_INT8, STATIC_INT8],
    calibrationMethod: BEST, calibrationSamples: 64}) {
    job { id } eventPosition userErrors { code field message } } }
"""
REPRODUCE = """
mutation($job: ID!, $key: String) { jobReproduce(jobId: $job, idempotencyKey: $key) {
  job { id kind input } eventPosition userErrors { code field message } } }
"""
ARTIFACTS = """
query($id: ID!) { model(id: $id) { artifacts(first: 50) { nodes { id } } } }
"""


@pytest.fixture(scope="module")
def optimized(platform: Api, digits_folder: Path) -> tuple[str, str]:
    """The ids of a model and of its finished optimization."""
    model = platform.push_model(digits_folder / "digits.onnx", "made twice")["id"]
    rows = digits_folder / "digits-calibration.npz"
    calibration = platform.push_dataset(rows, "rows to make it twice", "CALIBRATION")
    asked = platform.change(OPTIMIZE, model=model, calibration=calibration)["job"]["id"]
    assert platform.ended(asked)["status"] == "SUCCEEDED"
    return model, asked


@pytest.mark.timeout(600)
def test_a_job_that_is_done_again_makes_the_same_files_and_adds_none(
    platform: Api, optimized: tuple[str, str]
) -> None:
    model, job = optimized
    kept = len(platform.job(job)["result"]["artifacts"])

    def all_of_them() -> Any:
        nodes = platform.run(ARTIFACTS, id=model)["model"]["artifacts"]["nodes"]
        return nodes if len(nodes) == kept + 1 else None  # and the source

    before = eventually(all_of_them)
    asked = platform.change(REPRODUCE, job=job, key="again")["job"]
    assert platform.change(REPRODUCE, job=job, key="again")["job"]["id"] == asked["id"]
    ended = platform.ended(asked["id"])
    assert ended["status"] == "SUCCEEDED"
    found = ended["result"]["reproduction"]
    assert found["identical"], found
    assert found["differences"] == []
    made = {one["name"]: one for one in found["variants"] if one["now"] is not None}
    assert {"fp16", "dynamic_int8", "static_int8"} <= set(made)
    assert all(one["then"] == one["now"] for one in made.values())
    assert ended["result"]["artifacts"] == []
    assert platform.run(ARTIFACTS, id=model)["model"]["artifacts"]["nodes"] == before


@pytest.mark.timeout(600)
def test_what_made_nothing_to_compare_with_is_not_done_again(
    platform: Api, optimized: tuple[str, str]
) -> None:
    model, _ = optimized
    nodes = platform.run(ARTIFACTS, id=model)["model"]["artifacts"]["nodes"]
    measured = platform.benchmark(model, [nodes[0]["id"]], 3)
    assert platform.ended(measured)["status"] == "SUCCEEDED"
    refused = platform.run(REPRODUCE, job=measured, key="measure again")["jobReproduce"]
    assert refused["userErrors"][0]["field"] == "jobId"
    assert "reproduce an optimization" in refused["userErrors"][0]["message"]
