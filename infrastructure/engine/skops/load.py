"""Constructs the model of a .skops file, from types known to be safe alone."""

from pathlib import Path
from typing import Any

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from infrastructure.engine.refusals import not_a_model
from infrastructure.engine.skops import schema, trees
from infrastructure.engine.skops.inspect import untrusted

_OPTIMIZERS = "sklearn.neural_network._stochastic_optimizers"
TRUSTED = [*trees.TRUSTED, f"{_OPTIMIZERS}.AdamOptimizer", f"{_OPTIMIZERS}.SGDOptimizer"]
"""Besides what skops trusts: trees, which are looked at, and how a network was trained, which is
plain numbers that no run reads."""


def loaded(file: Path) -> tuple[Any, int]:
    """The fitted model and how many features it takes. Raises EngineRefusal for types that are not
    known to be safe, for damaged trees, and for what this version cannot construct."""
    root = schema.read(file)
    try:
        model = skops.io.load(file, trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        strange = set(skops.io.get_untrusted_types(file=file)) - set(TRUSTED)
        raise untrusted(sorted(strange)) from error
    except (TypeError, ValueError, AttributeError, ImportError, KeyError) as error:
        raise not_a_model(
            f"skops cannot load it: {' '.join(str(error).split())[:300]}",
            "Save it again with current versions of scikit-learn and skops.",
        ) from error
    features = schema.first_with(root, "n_features_in_")
    taken = features if isinstance(features, int) else 0
    trees.check_trees(model, taken)
    return model, taken
