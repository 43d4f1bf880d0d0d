"""What MiniLM is fed: sentences of Python's own library as tokens, by its own vocabulary."""

import ast
import re
import sysconfig
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np

LONGEST, ROWS = 32, 240
WORDS = re.compile(r"\w+|[^\w\s]")


class Tokens:
    """WordPiece without case and accents, as BERT's uncased models have it."""

    def __init__(self, vocabulary: str) -> None:
        self._numbers = {word: number for number, word in enumerate(vocabulary.split("\n"))}

    def of(self, text: str) -> list[int]:
        """With [CLS] and [SEP] around it, LONGEST at most."""
        plain = unicodedata.normalize("NFD", text.lower())
        plain = "".join(one for one in plain if unicodedata.category(one) != "Mn")
        found = [number for word in WORDS.findall(plain) for number in self._pieces(word)]
        marks = self._numbers["[CLS]"], self._numbers["[SEP]"]
        return [marks[0], *found[: LONGEST - 2], marks[1]]

    def _pieces(self, word: str) -> list[int]:
        """The longest that the vocabulary has, and so on with the rest."""
        found, start = list[int](), 0
        while start < len(word):
            begun = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((one for one in ends if begun + word[start:one] in self._numbers), None)
            if end is None:
                return [self._numbers["[UNK]"]]
            found.append(self._numbers[begun + word[start:end]])
            start = end
        return found


def padded(rows: list[list[int]]) -> dict[str, np.ndarray]:
    """`input_ids` and `attention_mask` [rows, LONGEST] int64."""
    tokens = np.zeros((len(rows), LONGEST), np.int64)
    seen = np.zeros_like(tokens)
    for place, row in enumerate(rows):
        tokens[place, : len(row)] = row
        seen[place, : len(row)] = 1
    return {"input_ids": tokens, "attention_mask": seen}


def sentences() -> list[str]:
    """The first lines of what modules of Python's library say of themselves, evenly spread."""
    found = sorted(set(_first_lines()))
    return [found[place] for place in np.linspace(0, len(found) - 1, ROWS).astype(int)]


def _first_lines() -> Iterator[str]:
    for file in Path(sysconfig.get_path("stdlib")).rglob("*.py"):
        if "site-packages" in file.parts or "test" in file.parts:
            continue
        try:
            told = ast.get_docstring(ast.parse(file.read_bytes())) or ""
        except (SyntaxError, ValueError, RecursionError):
            continue
        line = " ".join(told.split("\n\n")[0].split())
        if len(line.split()) > 3:
            yield line
