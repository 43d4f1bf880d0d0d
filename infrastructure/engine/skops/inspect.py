"""Reads what a model of scikit-learn takes and gives, from its schema and array headers alone.

Its input is called X, its outputs as skl2onnx calls them: `label` and `probabilities` of a
classifier, `label` of a clustering, else `variable`.
"""

from pathlib import Path
from typing import Any

from infrastructure.engine.refusals import model_refused
from infrastructure.engine.skops import schema

INPUT = "X"
LABEL, PROBABILITIES, VARIABLE = "label", "probabilities", "variable"
REMEDY = (
    "Build the model from scikit-learn's own estimators, or export it to ONNX where it was "
    "trained: skl2onnx.to_onnx(model, X)."
)


def inspect_skops(file: Path) -> dict[str, Any]:
    """`{"signature", "warnings"}`. Raises EngineRefusal for types that nobody vouches for, and for
    a model that was never fitted."""
    root = schema.read(file)
    strange = schema.strange_types(root)
    if strange:
        raise untrusted(strange)
    taken = schema.first_with(root, "n_features_in_")
    if not isinstance(taken, int) or taken < 1:
        raise model_refused(
            "NOT_FITTED",
            f"The {root['__class__']} does not say how many features it takes.",
            "Fit the model before saving it: model.fit(X, y).",
        )
    return {
        "signature": {
            "inputs": [{"name": INPUT, "dtype": "float32", "shape": ["?", taken]}],
            "outputs": _outputs(file, schema.last_step(root)),
            "parameters": _numbers(file, root),
            "opset": None,
            "operators": schema.estimators(root),
        },
        "warnings": [],
    }


def untrusted(types: list[str]) -> Exception:
    """The refusal that names the types which are not known to be safe."""
    named = ", ".join(types[:6])[:300]
    return model_refused(
        "UNTRUSTED_TYPES",
        f"It holds types that are not known to be safe to load: {named}.",
        REMEDY,
    )


def _outputs(file: Path, last: schema.Node) -> list[dict[str, Any]]:
    classes = schema.array_header(file, schema.attribute(last, "classes_"))
    if classes is not None:
        shape, dtype = classes
        kind = "string" if dtype.kind in "UO" else "int64"
        label = {"name": LABEL, "dtype": kind, "shape": ["?"]}
        scores = {"name": PROBABILITIES, "dtype": "float32", "shape": ["?", *shape]}
        return [label, scores]
    if schema.attribute(last, "cluster_centers_") is not None:
        return [{"name": LABEL, "dtype": "int64", "shape": ["?"]}]
    return [{"name": VARIABLE, "dtype": "float32", "shape": ["?", "?"]}]


def _numbers(file: Path, root: schema.Node) -> int:
    """In all arrays of floats."""
    total = 0
    files = {one["file"]: one for one in schema.nodes(root) if isinstance(one.get("file"), str)}
    for one in files.values():
        found = schema.array_header(file, one)
        if found is not None and found[1].kind in "fV":
            count = 1
            for place in found[0]:
                count *= place
            total += count * (len(found[1].names or ()) or 1)
    return total
