"""A model of scikit-learn behind the protocol `runtime.Session`, with skl2onnx's outputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier, is_clusterer
from threadpoolctl import threadpool_limits

from infrastructure.engine.pass_contract import Feed
from infrastructure.engine.skops.inspect import INPUT, LABEL, PROBABILITIES, VARIABLE
from infrastructure.engine.skops.load import loaded


@dataclass(frozen=True, slots=True)
class SkopsTensor:
    name: str
    shape: tuple[int | None, ...]
    type: str


class SkopsSession:
    """Raises EngineRefusal for a file that cannot be loaded safely."""

    def __init__(self, file: Path, threads: int) -> None:
        self._model, features = loaded(file)
        self._threads = threads
        self._inputs = [SkopsTensor(INPUT, (None, features), "tensor(float)")]
        self._outputs = _outputs(self._model)

    def get_inputs(self) -> Sequence[SkopsTensor]:
        return self._inputs

    def get_outputs(self) -> Sequence[SkopsTensor]:
        return self._outputs

    def run(self, output_names: Sequence[str] | None, input_feed: Feed) -> list[Any]:
        """The outputs in the order of `output_names`, or of the model."""
        rows = np.asarray(input_feed[INPUT], np.float32)
        wanted = [one.name for one in self._outputs] if output_names is None else output_names
        with threadpool_limits(self._threads):
            return [self._given(name, rows) for name in wanted]

    def _given(self, name: str, rows: NDArray[Any]) -> NDArray[Any]:
        if name == LABEL:
            return np.asarray(self._model.predict(rows))
        if name == PROBABILITIES:
            return np.asarray(self._model.predict_proba(rows), np.float32)
        if name != VARIABLE:
            raise KeyError(name)
        called = self._model.predict if hasattr(self._model, "predict") else self._model.transform
        found = np.asarray(called(rows), np.float32)
        return found.reshape(len(rows), -1)


def opened(file: Path, threads: int, _spin: bool) -> SkopsSession:
    """As `runtime.open_model` asks for it."""
    return SkopsSession(file, threads)


def _outputs(model: Any) -> list[SkopsTensor]:
    if is_classifier(model):
        numbers = np.asarray(model.classes_).dtype.kind in "iub"
        label = SkopsTensor(LABEL, (None,), "tensor(int64)" if numbers else "tensor(string)")
        if not hasattr(model, "predict_proba"):
            return [label]
        scores = SkopsTensor(PROBABILITIES, (None, len(model.classes_)), "tensor(float)")
        return [label, scores]
    if is_clusterer(model):
        return [SkopsTensor(LABEL, (None,), "tensor(int64)")]
    return [SkopsTensor(VARIABLE, (None, None), "tensor(float)")]
