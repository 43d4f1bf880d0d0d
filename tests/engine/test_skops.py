"""Models of scikit-learn in skops' format: read without constructing anything, trees looked at."""

import io
import json
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from application.ports.engine import EngineRefusal
from domain.model_format import ModelFormat
from infrastructure.engine.inspect_model import inspect_model
from infrastructure.engine.skops.trees import check_trees
from infrastructure.engine.sniff import sniff
from tests.engine.test_passes import Ticks


def said(value: Any) -> dict[str, Any]:
    kind = type(value).__name__
    node = {"__class__": kind, "__module__": "builtins", "__loader__": "JsonNode"}
    return {**node, "content": json.dumps(value), "is_json": True}


def array(file: str) -> dict[str, Any]:
    node = {"__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode"}
    return {**node, "type": "numpy", "file": file}


def holder(kind: str, loader: str, content: Any) -> dict[str, Any]:
    return {
        "__class__": kind, "__module__": "builtins", "__loader__": loader, "content": content
    }  # fmt: skip


def estimator(kind: str, module: str, **attributes: Any) -> dict[str, Any]:
    return {
        "__class__": kind,
        "__module__": module,
        "__loader__": "ObjectNode",
        "content": holder("dict", "DictNode", attributes),
    }


def saved(path, root: dict[str, Any]):
    coefficients = io.BytesIO()
    np.save(coefficients, np.zeros((3, 4)))
    classes = io.BytesIO()
    np.save(classes, np.arange(3))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("schema.json", json.dumps({**root, "protocol": 2}))
        file.writestr("1.npy", coefficients.getvalue())
        file.writestr("2.npy", classes.getvalue())
    return path


def logistic(**more: Any) -> dict[str, Any]:
    return estimator(
        "LogisticRegression",
        "sklearn.linear_model._logistic",
        n_features_in_=said(4),
        coef_=array("1.npy"),
        classes_=array("2.npy"),
        **more,
    )


def pipeline(last: dict[str, Any]) -> dict[str, Any]:
    step = holder("tuple", "TupleNode", [said("last"), last])
    return estimator("Pipeline", "sklearn.pipeline", steps=holder("list", "ListNode", [step]))


def refused(file) -> EngineRefusal:
    with pytest.raises(EngineRefusal) as told:
        inspect_model({"file": str(file)}, Ticks())
    return told.value


@pytest.mark.parametrize("wrap", [lambda one: one, pipeline])
def test_what_a_classifier_takes_and_gives_is_told_from_its_schema(tmp_path, wrap):
    file = saved(tmp_path / "model", wrap(logistic()))
    assert sniff(file) is ModelFormat.SKOPS
    found = inspect_model({"file": str(file)}, Ticks())["signature"]
    assert found["inputs"] == [{"name": "X", "dtype": "float32", "shape": ["?", 4]}]
    assert found["outputs"] == [
        {"name": "label", "dtype": "int64", "shape": ["?"]},
        {"name": "probabilities", "dtype": "float32", "shape": ["?", 3]},
    ]
    assert found["parameters"] == 12
    assert found["operators"]["LogisticRegression"] == 1


def test_a_type_of_another_package_is_refused_by_its_name(tmp_path):
    strange = estimator("Popen", "subprocess")
    told = refused(saved(tmp_path / "model", logistic(hook=strange)))
    assert told.code == "UNTRUSTED_TYPES"
    assert "subprocess.Popen" in told.message
    assert "skl2onnx" in told.remedy


def test_a_model_that_was_never_fitted_is_refused(tmp_path):
    root = estimator("LinearRegression", "sklearn.linear_model._base")
    assert refused(saved(tmp_path / "model", root)).code == "NOT_FITTED"


@pytest.mark.parametrize("schema", ["{", "[]", "[" * 100_000, '{"__class__": "x"}', "\ud800"])
def test_a_schema_that_is_none_is_refused(tmp_path, schema):
    file = tmp_path / "model"
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("schema.json", schema.encode("utf-8", "surrogatepass"))
    assert refused(file).code == "NOT_A_MODEL"


def test_who_uploads_a_pickle_is_told_of_skops(tmp_path):
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    with pytest.raises(EngineRefusal) as told:
        sniff(file)
    assert told.value.code == "PICKLE"
    assert "skops.io.dump" in told.value.remedy


ROWS = np.random.default_rng(0).normal(size=(80, 4))
CLASSES = (ROWS[:, 0] + ROWS[:, 1] > 0).astype(int)


@pytest.mark.parametrize("place", [-7, 10_000])
def test_a_tree_with_a_wild_index_is_refused_before_it_is_run(place):
    forest = RandomForestClassifier(3, random_state=0).fit(ROWS, CLASSES)
    check_trees(forest, 4)
    tree = forest.estimators_[2].tree_
    state = tree.__getstate__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"]["left_child"][0] = place
    tree.__setstate__(state)
    with pytest.raises(EngineRefusal) as told:
        check_trees(forest, 4)
    assert told.value.code == "DAMAGED_TREE"


@pytest.mark.parametrize(("field", "value"), [("left", 10_000), ("right", 0), ("feature_idx", 4)])
def test_a_binned_tree_with_a_wild_index_is_refused_before_it_is_run(field, value):
    model = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=2).fit(ROWS, CLASSES)
    check_trees(model, 4)
    model._predictors[1][0].nodes[field][0] = value
    with pytest.raises(EngineRefusal) as told:
        check_trees(model, 4)
    assert told.value.code == "DAMAGED_TREE"
