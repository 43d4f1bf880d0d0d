"""Decision trees in a loaded model: whether their nodes point where they may.

skops vouches for the type of a tree and not for its content, and scikit-learn follows its indices
without looking: one out of range reads foreign memory. So every tree is looked at before the model
is run once. Children come after their parent, as scikit-learn builds them, so nothing goes round
in circles either.
"""

import gc
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from application.ports.engine import EngineRefusal
from infrastructure.engine.refusals import model_refused

TREE = "sklearn.tree._tree.Tree"
BINNED_TREE = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
TRUSTED = [TREE, BINNED_TREE]
_LEAF = -1


def check_trees(model: Any, features: int) -> None:
    """Raises EngineRefusal(DAMAGED_TREE) for a tree with a wild index."""
    for one in _objects(model):
        kind = type(one)
        name = f"{kind.__module__}.{kind.__qualname__}"
        if name == TREE:
            _check(one)
        elif name == BINNED_TREE:
            _check_binned(one, features)


def _check(tree: Any) -> None:
    left, right = tree.children_left, tree.children_right
    inner = left != _LEAF
    places = np.arange(len(left))
    _sound(inner, left, right, places)
    wanted = tree.feature[inner]
    if wanted.size and not (wanted.min() >= 0 and wanted.max() < tree.n_features):
        raise _damaged()


def _check_binned(tree: Any, features: int) -> None:
    nodes = tree.nodes
    inner = nodes["is_leaf"] == 0
    left, right = nodes["left"].astype(np.int64), nodes["right"].astype(np.int64)
    _sound(inner, left, right, np.arange(len(nodes)))
    wanted = nodes["feature_idx"][inner]
    if wanted.size and not (wanted.min() >= 0 and wanted.max() < features):
        raise _damaged()
    sets = nodes["bitset_idx"][inner & (nodes["is_categorical"] != 0)]
    if sets.size and sets.max() >= len(tree.raw_left_cat_bitsets):
        raise _damaged()


def _sound(
    inner: NDArray[Any], left: NDArray[Any], right: NDArray[Any], places: NDArray[Any]
) -> None:
    if not len(places):
        raise _damaged()
    for child in (left, right):
        if not np.all((child[inner] > places[inner]) & (child[inner] < len(places))):
            raise _damaged()


def _damaged() -> EngineRefusal:
    return model_refused(
        "DAMAGED_TREE",
        "A decision tree in it points to nodes or features that do not exist.",
        "Save the model again with skops.io.dump.",
    )


def _objects(model: Any) -> Iterator[Any]:
    """Everything that the model holds, each once. Code and types are no part of it."""
    seen: set[int] = set()
    waiting = [model]
    while waiting:
        one = waiting.pop()
        code = isinstance(one, (type, ModuleType, FunctionType, BuiltinFunctionType))
        if code or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting.extend(gc.get_referents(one))
        if isinstance(one, np.ndarray) and one.dtype.hasobject:
            waiting.extend(one.ravel().tolist())  # arrays tell the collector nothing
