"""What a model's answers to one feed are worth, the greater the better, for accuracy control.

- With labels: the share of its rows whose class is right.
- Without: how far the outputs agree with the source's own, the worst output counting: the share of
  places with the same top class where an output has classes, else the cosine.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from domain.dataset import LABELS
from domain.scorer import Classification
from infrastructure.engine.openvino.passes.calibrated import Feeds
from infrastructure.engine.openvino.sessions import OpenVinoSession
from infrastructure.engine.pass_contract import Feed
from infrastructure.engine.proof.compare import OutputTally, comparable
from infrastructure.engine.proof.scorers.classification import ClassificationTally
from infrastructure.engine.proof.scorers.tally import Unscorable

KEPT_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Item:
    """A feed, by its place in the dataset."""

    number: int
    feed: Feed
    labels: NDArray[Any] | None


class Items:
    """Feeds with the labels of their rows."""

    def __init__(self, feeds: Feeds, labels: NDArray[Any] | None) -> None:
        self._feeds, self._labels = feeds, labels

    def __len__(self) -> int:
        return len(self._feeds)

    def __iter__(self) -> Iterator[Item]:
        each = self._feeds.rows_each
        for number, feed in enumerate(self._feeds):
            labels = None if self._labels is None else self._labels[number * each :][:each]
            yield Item(number, feed, labels)


class Judge:
    """What NNCF calls to validate a model. Where there are no labels that an output answers, the
    source is run beside it; its answers are kept as far as KEPT_BYTES go."""

    def __init__(self, source: Path, first: Item) -> None:
        self._source = OpenVinoSession(source, threads=1)
        self._names = [one.name for one in self._source.get_outputs()]
        given = self._source.run(None, first.feed)
        self._kept: dict[int, list[NDArray[Any]]] = {}
        self._room = KEPT_BYTES
        self.labelled = _right(self._names, given, first.labels) is not None

    def __call__(
        self, compiled: ov.CompiledModel, items: Iterable[Item]
    ) -> tuple[float, list[float]]:
        """The mean, and the worth of each item."""
        request = compiled.create_infer_request()
        values = [self._worth(request, one) for one in items]
        return float(np.mean(values)), values

    def _worth(self, request: ov.InferRequest, one: Item) -> float:
        request.infer(one.feed, share_inputs=True)
        given = [np.array(request.get_output_tensor(k).data) for k in range(len(self._names))]
        if self.labelled:
            right = _right(self._names, given, one.labels)
            assert right is not None
            return right
        return _agreement(self._names, self._answers(one), given)

    def _answers(self, one: Item) -> list[NDArray[Any]]:
        if one.number in self._kept:
            return self._kept[one.number]
        found = self._source.run(None, one.feed)
        size = sum(value.nbytes for value in found)
        if size <= self._room:
            self._kept[one.number] = found
            self._room -= size
        return found


def _right(names: list[str], given: list[Any], labels: NDArray[Any] | None) -> float | None:
    """None without labels, and where no output tells a class."""
    if labels is None:
        return None
    tally = ClassificationTally(Classification())
    try:
        tally.add({}, dict(zip(names, given, strict=True)), {LABELS: labels})
        return tally.figures().value
    except Unscorable:
        return None


def _agreement(names: list[str], source: list[Any], variant: list[Any]) -> float:
    worst = 1.0
    for name, ours, theirs in zip(names, source, variant, strict=True):
        if comparable(ours):
            tally = OutputTally(name)
            tally.add(ours, theirs)
            found = tally.parity()
            agreed = found.cosine if found.argmax_agreement is None else found.argmax_agreement
            worst = min(worst, agreed)
    return worst
