"""A scorer from the mutation that names it to the verdict on the artifact."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.running import Api, eventually

OPTIMIZE = """
mutation($model: ID!, $input: OptimizeInput!) {
  modelOptimize(modelId: $model, input: $input) {
    job { id } eventPosition userErrors { code field message } } }
"""
ARTIFACTS = """
query($id: ID!) { model(id: $id) { artifacts(first: 20) { nodes { id variant passed proof } } } }
"""
MOVE = """
mutation($model: ID!, $artifact: ID!) {
  modelAliasMove(modelId: $model, alias: "production", artifactId: $artifact) {
    model { id } userErrors { code field message } } }
"""
MEAN_OF_THE_RIGHT = """
import numpy as np

def score(outputs, labels):
    told = next(iter(outputs.values()))
    right = labels["labels"]
    return {"value": float((told.argmax(axis=1) != right).mean()), "higher_is_better": False}
"""


@pytest.fixture(scope="module")
def subject(platform: Api, digits_folder: Path) -> tuple[str, str]:
    """The digits network and labelled rows."""
    model = platform.push_model(digits_folder / "digits.onnx", "scored")
    data = digits_folder / "digits-evaluation.npz"
    return model["id"], platform.push_dataset(data, "scored", "EVALUATION")


def asked(api: Api, subject: tuple[str, str], **more: Any) -> dict[str, Any]:
    model, data = subject
    given = {"passes": ["DYNAMIC_INT8"], "evaluationDatasetId": data, **more}
    answer: dict[str, Any] = api.run(OPTIMIZE, model=model, input=given)["modelOptimize"]
    return answer


def test_one_s_own_scorer_judges_and_a_variant_that_fails_a_gate_is_never_promoted(
    platform: Api, subject: tuple[str, str], bubblewrap: Path
) -> None:
    scorer = {"name": "CUSTOM", "code": MEAN_OF_THE_RIGHT, "settings": {"drop": "ABSOLUTE"}}
    job = asked(platform, subject, scorer=scorer, maxBytes=100)["job"]["id"]
    ended = platform.ended(job)
    assert ended["status"] == "SUCCEEDED", ended

    def made() -> dict[str, Any] | None:
        nodes = platform.run(ARTIFACTS, id=subject[0])["model"]["artifacts"]["nodes"]
        return next((node for node in nodes if node["variant"] == "dynamic_int8"), None)

    variant = eventually(made)
    assert variant is not None
    verdict = variant["proof"]["verdict"]
    assert (verdict["measure"], verdict["accuracy"]["higher_is_better"]) == ("CUSTOM", False)
    assert 0 <= verdict["accuracy"]["source"] < 0.1
    fidelity, size = (verdict["gates"][place] for place in (1, 2))
    assert fidelity["passed"]
    assert "The own scorer's figure" in fidelity["reason"]
    assert (size["name"], size["passed"], variant["passed"]) == ("SIZE", False, False)
    moved = platform.run(MOVE, model=subject[0], artifact=variant["id"])["modelAliasMove"]
    (error,) = moved["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID_STATE", "artifactId")
    assert f"SIZE: {size['reason']}" in error["message"]


def test_a_scorer_that_fails_ends_the_job_as_the_request_s_fault(
    platform: Api, subject: tuple[str, str], bubblewrap: Path
) -> None:
    scorer = {"name": "CUSTOM", "code": "import os\ndef score(outputs, labels):\n    os.fork()\n"}
    ended = platform.ended(asked(platform, subject, scorer=scorer)["job"]["id"])
    assert ended["status"] == "FAILED"
    failure = ended["failure"]
    assert (failure["code"], failure["fault"]) == ("SCORER_FAILED", "REQUEST")
    assert "PermissionError in line 3" in failure["message"]
    assert ended["attempt"] == 1


def test_what_cannot_judge_is_refused_before_there_is_a_job(
    platform: Api, subject: tuple[str, str]
) -> None:
    for scorer, code, field in (
        ({"name": "AUC", "settings": {"colum": 1}}, "INVALID", "scorer.settings.colum"),
        ({"name": "AUC", "settings": [1]}, "INVALID", "scorer.settings"),
        ({"name": "CUSTOM", "code": "x = \0"}, "INVALID", "scorer.code"),
        ({"name": "DETECTION"}, "DATASET_REFUSED", "evaluationDatasetId"),
    ):
        answer = asked(platform, subject, scorer=scorer)
        (error,) = answer["userErrors"]
        assert answer["job"] is None
        assert (error["code"], error["field"]) == (code, f"input.{field}")


def test_scorers_tell_what_they_read_and_how_they_are_set(platform: Api) -> None:
    found = platform.run("{ scorers { name what labels settings { name default choices } } }")
    by_name = {one["name"]: one for one in found["scorers"]}
    assert set(by_name) >= {"CLASSIFICATION", "REGRESSION", "AUC", "DETECTION", "TEXT", "CUSTOM"}
    measure = next(one for one in by_name["TEXT"]["settings"] if one["name"] == "measure")
    assert (measure["default"], measure["choices"]) == ("CER", ["CER", "WER", "EXACT_MATCH"])


def test_the_task_of_a_model_picks_its_scorer(
    platform: Api, digits_folder: Path, tmp_path: Path
) -> None:
    """The same network as a regression of its own ten numbers: no classes are asked for."""
    with np.load(digits_folder / "digits-evaluation.npz") as data:
        right = np.eye(10, dtype=np.float32)[data["labels"]]
        np.savez(tmp_path / "numbers.npz", image=data["image"], labels=right)
    model = platform.push_model(digits_folder / "digits.onnx", "regressed", "REGRESSION")
    numbers = platform.push_dataset(tmp_path / "numbers.npz", "numbers", "EVALUATION")
    job = asked(platform, (model["id"], numbers))["job"]["id"]
    ended = platform.ended(job)
    assert ended["status"] == "SUCCEEDED", ended
    (variant,) = ended["result"]["outcome"]["variants"]
    told = variant["comparison"]["accuracy"]
    assert told["measure"] == "R2"
    assert set(told["also"]) == {"RMSE", "MAE"}
