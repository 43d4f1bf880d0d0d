"""How rightly text is read: character error rate, word error rate, exact match.

    error rate = Σ edit distance / Σ length of what is right      (in characters, or in words)
with the edit distance of Levenshtein, over all rows together; exact match is the share of rows that
are right to the last token. An output of scores by time is decoded by its best path (CTC, Graves et
al. 2006): the best token at each time, repeats merged, blanks left out.
"""

from collections.abc import Hashable, Sequence

import numpy as np

from domain.dataset import LABELS
from domain.measure import Measure
from domain.scorer import Axes, Decode, Text
from infrastructure.engine.proof.scorers.tally import (
    Array,
    Figures,
    Outputs,
    Unscorable,
    chosen,
    in_rows,
    is_float,
)

UNKNOWN = "\ufffd"
Tokens = Sequence[Hashable]


class TextTally:
    def __init__(self, settings: Text) -> None:
        self._settings = settings
        self._output = ""
        self._rows = self._exact = 0
        self._characters, self._words = [0, 0], [0, 0]

    @property
    def measure(self) -> Measure:
        return Measure(self._settings.measure.value)

    def add(self, _feed: Outputs, outputs: Outputs, truth: Outputs) -> None:
        labels = truth[LABELS]
        for told, label in zip(self._read(outputs, len(labels)), labels, strict=True):
            if labels.dtype.kind == "U":
                said = "".join(map(self._text, told))
                self._judge(said, str(label), said.split(), str(label).split())
            else:
                right = [token for token in label.tolist() if token >= 0]
                self._judge(told, right, self._split(told), self._split(right))

    def _judge(self, told: Tokens, right: Tokens, words: Tokens, right_words: Tokens) -> None:
        self._rows += 1
        wrong = edit_distance(told, right)
        self._exact += wrong == 0
        for counts, missed, length in (
            (self._characters, wrong, len(right)),
            (self._words, edit_distance(words, right_words), len(right_words)),
        ):
            counts[0] += missed
            counts[1] += length

    def _text(self, token: int) -> str:
        """A token beyond the vocabulary reads as one wrong character."""
        words = self._settings.vocabulary
        return words[token] if 0 <= token < len(words) else UNKNOWN

    def _split(self, tokens: Sequence[int]) -> list[tuple[int, ...]]:
        """Words as tuples of tokens; nothing where no token parts words."""
        if self._settings.space < 0:
            return []
        words: list[list[int]] = [[]]
        for token in tokens:
            if token == self._settings.space:
                words.append([])
            else:
                words[-1].append(token)
        return [tuple(word) for word in words if word]

    def _read(self, outputs: Outputs, rows: int) -> list[list[int]]:
        if self._settings.decode is Decode.IDS:
            return self._ids(outputs, rows)
        name = chosen(
            outputs, self._settings.output, _is_by_time, "scores by time and token", only=True
        )
        self._output, value = name, outputs[name]
        if value.ndim == 3 and self._settings.axes is Axes.TBC:
            value = value.swapaxes(0, 1)
        best = in_rows(value if value.ndim == 3 else value[None], rows).argmax(axis=-1)
        return [self._best_path(path) for path in best]

    def _best_path(self, path: Array) -> list[int]:
        first = np.concatenate(([True], path[1:] != path[:-1])) if len(path) else path > 0
        kept: list[int] = path[first & (path != self._settings.blank)].tolist()
        return kept

    def _ids(self, outputs: Outputs, rows: int) -> list[list[int]]:
        def suits(value: Array) -> bool:
            return value.dtype.kind in "iu" and value.ndim >= 1

        self._output = chosen(outputs, self._settings.output, suits, "integers", only=True)
        table = in_rows(outputs[self._output], rows).reshape(rows, -1)
        blank = self._settings.blank
        return [[one for one in row if one >= 0 and one != blank] for row in table.tolist()]

    def figures(self) -> Figures:
        told: dict[Measure, float] = {}
        for measure, (wrong, length) in (
            (Measure.CER, self._characters),
            (Measure.WER, self._words),
        ):
            if length:
                told[measure] = wrong / length
        if self._rows:
            told[Measure.EXACT_MATCH] = self._exact / self._rows
        if self.measure not in told:
            raise Unscorable(
                "There are no words to count: set “space” to the token between words."
                if self.measure is Measure.WER and self._rows
                else "The labels have no text to judge by."
            )
        value = told.pop(self.measure)
        return Figures(value, self._rows, self._output, told)


def _is_by_time(value: Array) -> bool:
    return is_float(value) and value.ndim in (2, 3) and value.shape[-1] > 1


def edit_distance(told: Tokens, right: Tokens) -> int:
    """How many insertions, deletions and substitutions lead from one to the other (Levenshtein).
    A row of the table at a time: an insertion's cost is carried along by a running minimum."""
    known: dict[Hashable, int] = {}
    left = np.array([known.setdefault(one, len(known)) for one in told], dtype=np.int64)
    other = np.array([known.setdefault(one, len(known)) for one in right], dtype=np.int64)
    places = np.arange(len(other) + 1)
    row = places
    for number, one in enumerate(left, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (other != one))
        row = np.minimum.accumulate(np.concatenate(([number], best)) - places) + places
    return int(row[-1])
