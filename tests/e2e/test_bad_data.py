"""Datasets and models that cannot be used are refused with the field and the remedy."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.e2e.running import Api

ADD_DATA = """
mutation($dataset: ID!, $upload: ID!) {
  datasetVersionUpload(datasetId: $dataset, uploadId: $upload) {
    dataset { id } userErrors { code field message } } }
"""


def dataset(platform: Api, name: str, purpose: str = "CALIBRATION") -> str:
    return str(
        platform.change(
            """mutation($name: String!, $purpose: DatasetPurpose!) {
                 datasetRegister(name: $name, purpose: $purpose) {
                   dataset { id } userErrors { code message } } }""",
            name=name,
            purpose=purpose,
        )["dataset"]["id"]
    )


def refused(platform: Api, path: Path, name: str, purpose: str = "CALIBRATION") -> dict[str, Any]:
    payload = platform.run(
        ADD_DATA,
        dataset=dataset(platform, name, purpose),
        upload=platform.upload(path, "DATASET"),
    )["datasetVersionUpload"]
    assert payload["dataset"] is None
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("DATASET_REFUSED", "uploadId")
    found: dict[str, Any] = error
    return found


def test_data_with_nan_is_refused_naming_the_array(platform: Api, tmp_path: Path) -> None:
    path = tmp_path / "nan.npz"
    images = np.zeros((4, 1, 8, 8), np.float32)
    images[2, 0, 0, 0] = np.nan
    np.savez(path, image=images)
    assert "image" in refused(platform, path, "nan")["message"]


def test_objects_in_arrays_are_never_loaded(platform: Api, tmp_path: Path) -> None:
    path = tmp_path / "objects.npz"
    np.savez(path, image=np.array([{"a": 1}], dtype=object))
    refused(platform, path, "objects")


def test_arrays_of_different_lengths_are_refused(platform: Api, tmp_path: Path) -> None:
    path = tmp_path / "uneven.npz"
    np.savez(path, image=np.zeros((4, 8), np.float32), labels=np.zeros(5, np.int64))
    refused(platform, path, "uneven")


def test_evaluation_data_needs_labels(platform: Api, tmp_path: Path) -> None:
    path = tmp_path / "unlabelled.npz"
    np.savez(path, image=np.zeros((4, 8), np.float32))
    assert "labels" in refused(platform, path, "unlabelled", "EVALUATION")["message"]


@pytest.mark.parametrize(
    ("name", "array", "wanted"),
    [
        ("wrong shape", np.zeros((4, 3, 8, 8), np.float32), "8, 8"),
        ("wrong type", np.zeros((4, 1, 8, 8), np.float64), "float32"),
    ],
)
def test_calibration_data_that_does_not_fit_the_model_is_refused(
    platform: Api, digits_folder: Path, tmp_path: Path, name: str, array: Any, wanted: str
) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, image=array)
    model = platform.push_model(digits_folder / "digits.onnx", f"fits {name}")
    data = platform.push_dataset(path, name, "CALIBRATION")
    payload = platform.run(
        """mutation($model: ID!, $data: ID!) {
             modelOptimize(modelId: $model, input: {calibrationDatasetId: $data}) {
               job { id } userErrors { code field message } } }""",
        model=model["id"],
        data=data,
    )["modelOptimize"]
    (error,) = payload["userErrors"]
    assert error["code"] == "DATASET_REFUSED"
    assert error["field"] == "input.calibrationDatasetId"
    assert wanted in error["message"]


def test_a_model_that_points_outside_itself_is_refused(platform: Api, tmp_path: Path) -> None:
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 4])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../../../etc/passwd")
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
    tensors = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4]) for n in ("x", "y")]
    graph = helper.make_graph([node], "g", tensors[:1], tensors[1:], [weight])
    path = tmp_path / "climbs.onnx"
    path.write_bytes(
        helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
        ).SerializeToString()
    )
    assert "external" in model_refused(platform, path, "climbs")


def test_an_unknown_operator_is_refused_naming_the_node(platform: Api, tmp_path: Path) -> None:
    node = helper.make_node("Frobnicate", ["x"], ["y"], name="the-odd-one")
    tensors = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4]) for n in ("x", "y")]
    graph = helper.make_graph([node], "g", tensors[:1], tensors[1:])
    path = tmp_path / "odd.onnx"
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    assert "Frobnicate" in model_refused(platform, path, "odd")


def test_a_truncated_model_is_refused(platform: Api, digits_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.onnx"
    whole = (digits_folder / "digits.onnx").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    model_refused(platform, path, "half")


def model_refused(platform: Api, path: Path, name: str) -> str:
    model = platform.change(
        """mutation($name: String!) { modelRegister(name: $name) {
             model { id } userErrors { code } } }""",
        name=name,
    )["model"]["id"]
    payload = platform.run(
        """mutation($model: ID!, $upload: ID!) {
             modelVersionUpload(modelId: $model, uploadId: $upload) {
               artifact { id } userErrors { code field message } } }""",
        model=model,
        upload=platform.upload(path, "MODEL"),
    )["modelVersionUpload"]
    assert payload["artifact"] is None
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("MODEL_REFUSED", "uploadId")
    return str(error["message"])


@pytest.mark.parametrize("first", [0, -1, 101, 2**31 - 1])
def test_paging_beyond_its_bounds_is_refused_naming_first(platform: Api, first: int) -> None:
    answer = platform.http.post(
        "/graphql", json={"query": f"{{ models(first: {first}) {{ nodes {{ id }} }} }}"}
    ).json()
    assert "first" in answer["errors"][0]["message"]
