"""A GGUF language model in llama.cpp, behind the protocol `runtime.Session`.

`tokens` [1, tokens] INT32 in, `logits` [1, tokens, vocabulary] FP32 out: what comes after each
token, by the tokens up to it. Each row is decoded by itself from an empty context.
"""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from infrastructure.engine.gguf import llama_cpp
from infrastructure.engine.gguf.header import read_header
from infrastructure.engine.pass_contract import Feed
from infrastructure.engine.runtime import CannotRun

LEAST_CONTEXT = 128
GENERATIVE = ("token_embd.weight", "output_norm.weight")
"""What every decoder has, and what encoders, projectors and adapters lack."""


@dataclass(frozen=True, slots=True)
class GgufPort:
    name: str
    shape: tuple[int | str, ...]
    type: str


class GgufSession:
    """Loaded on construction. Raises CannotRun for what is no generative language model, and
    RuntimeError in llama.cpp's words."""

    def __init__(self, file: Path, threads: int) -> None:
        if not {one.name for one in read_header(file).tensors}.issuperset(GENERATIVE):
            raise CannotRun("it is no language model that gives logits")
        self._library, self._threads = llama_cpp.library(), threads
        call = self._library.call
        self._model = self._library.model(file)
        self._held: list[int] = []
        weakref.finalize(self, _free, call, self._model, self._held)
        self._vocabulary = int(call.llama_vocab_n_tokens(call.llama_model_get_vocab(self._model)))
        self._longest = int(call.llama_model_n_ctx_train(self._model))
        self._room = 0

    def get_inputs(self) -> Sequence[GgufPort]:
        return (GgufPort("tokens", (1, "tokens"), "tensor(int32)"),)

    def get_outputs(self) -> Sequence[GgufPort]:
        shape = (1, "tokens", self._vocabulary)
        return (GgufPort("logits", shape, "tensor(float)"),)

    def run(self, _output_names: Sequence[str] | None, input_feed: Feed) -> Sequence[Any]:
        """Raises ValueError for tokens that are none, or more than the model was trained for."""
        rows = np.asarray(input_feed["tokens"])
        if rows.ndim != 2 or rows.dtype.kind not in "iu":
            raise ValueError("tokens are whole numbers of shape [rows, tokens]")
        context = self._for(rows.shape[1])
        each = [
            self._library.logits(context, row.astype(np.int32), self._vocabulary) for row in rows
        ]
        return [np.stack(each)]

    def _for(self, tokens: int) -> int:
        """A context that holds so many; made anew when a longer row comes."""
        if tokens > self._longest:
            told = f"rows of {tokens} tokens; the model was trained for {self._longest}"
            raise ValueError(told)
        if tokens > self._room:
            while self._held:
                self._library.call.llama_free(self._held.pop())
            self._room = min(self._longest, max(LEAST_CONTEXT, 2 * tokens))
            self._held.append(self._library.context(self._model, self._room, self._threads))
        return self._held[0]


def opened(file: Path, threads: int, _spin: bool = False) -> GgufSession:
    """llama.cpp decides by itself how its threads wait."""
    return GgufSession(file, threads)


def _free(call: Any, model: int, contexts: list[int]) -> None:
    for context in contexts:
        call.llama_free(context)
    call.llama_model_free(model)
