"""llama.cpp itself, through the C interface of the shared library in the package xllamacpp.

The package's own Python interface is a text server; quantizing rows and reading logits is llama.h
and ggml.h, which the library exports. Two structures of parameters change from release to release,
so they are carried as blocks of bytes that llama.cpp fills in and takes back, larger than any
release's, and what is set in them is checked to be where it is thought to be first. C passes such
blocks on the stack or by reference (System V AMD64, AAPCS64), where more bytes do no harm.
"""

import ctypes
import os
from collections import deque
from ctypes import c_bool, c_char_p, c_float, c_int, c_int8, c_int32, c_int64, c_size_t, c_void_p
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ERROR = 4
KEPT_MESSAGES = 4
CONTEXT_FIELDS = (512, 2048, 512, 1)
"""How llama_context_params begins: n_ctx, n_batch, n_ubatch and n_seq_max, at their defaults."""
_LOG = ctypes.CFUNCTYPE(None, c_int, c_char_p, c_void_p)
_TOKENS, _FLAGS = ctypes.POINTER(c_int32), ctypes.POINTER(c_int8)


class _Parameters(ctypes.Structure):
    _fields_ = [("words", ctypes.c_uint32 * 256)]


class _Batch(ctypes.Structure):
    """llama_batch."""

    _fields_ = [
        ("n_tokens", c_int32),
        ("token", _TOKENS),
        ("embd", c_void_p),
        ("pos", c_void_p),
        ("n_seq_id", c_void_p),
        ("seq_id", c_void_p),
        ("logits", _FLAGS),
    ]


_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "ggml_quantize_chunk": (
        c_size_t,
        (c_int, c_void_p, c_void_p, c_int64, c_int64, c_int64, c_void_p),
    ),
    "ggml_row_size": (c_size_t, (c_int, c_int64)),
    "llama_log_set": (None, (_LOG, c_void_p)),
    "llama_model_default_params": (_Parameters, ()),
    "llama_context_default_params": (_Parameters, ()),
    "llama_model_load_from_file": (c_void_p, (c_char_p, _Parameters)),
    "llama_init_from_model": (c_void_p, (c_void_p, _Parameters)),
    "llama_set_n_threads": (None, (c_void_p, c_int32, c_int32)),
    "llama_n_ctx": (ctypes.c_uint32, (c_void_p,)),
    "llama_model_n_ctx_train": (c_int32, (c_void_p,)),
    "llama_model_get_vocab": (c_void_p, (c_void_p,)),
    "llama_vocab_n_tokens": (c_int32, (c_void_p,)),
    "llama_get_memory": (c_void_p, (c_void_p,)),
    "llama_memory_clear": (None, (c_void_p, c_bool)),
    "llama_batch_get_one": (_Batch, (_TOKENS, c_int32)),
    "llama_decode": (c_int32, (c_void_p, _Batch)),
    "llama_get_logits_ith": (ctypes.POINTER(c_float), (c_void_p, c_int32)),
    "llama_free": (None, (c_void_p,)),
    "llama_model_free": (None, (c_void_p,)),
}


class LlamaCpp:
    """The library and the last errors that it told. Raises RuntimeError where the installed
    release has not what is needed."""

    def __init__(self, library: Path) -> None:
        loaded = ctypes.CDLL(str(library))
        for name, (gives, takes) in _SIGNATURES.items():
            try:
                function = getattr(loaded, name)
            except AttributeError as error:
                raise _unfit(f"it does not export {name}") from error
            function.restype, function.argtypes = gives, takes
        self.call: Any = loaded
        self._told: deque[str] = deque(maxlen=KEPT_MESSAGES)
        self._listener = _LOG(self._heard)
        self.call.llama_log_set(self._listener, None)
        words = self.call.llama_context_default_params().words
        if tuple(words[:4]) != CONTEXT_FIELDS:
            raise _unfit(f"llama_context_params begins with {list(words[:4])}")

    def _heard(self, level: int, text: bytes, _data: None) -> None:
        if level == ERROR:
            self._told.append(text.decode(errors="replace").strip())

    @property
    def trouble(self) -> str:
        """The last errors that llama.cpp told, in its words."""
        return "; ".join(self._told)[-500:] or "llama.cpp told no reason"

    def quantized(self, rows: NDArray[np.float32], kind: int) -> NDArray[np.uint8]:
        """Rows of FP32 values as bytes of ggml's type number `kind`, by ggml_quantize_chunk
        without an importance matrix."""
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        count, columns = rows.shape
        made = np.empty(count * self.call.ggml_row_size(kind, columns), dtype=np.uint8)
        wrote = self.call.ggml_quantize_chunk(
            kind, rows.ctypes.data, made.ctypes.data, 0, count, columns, None
        )
        if wrote != made.nbytes:
            raise RuntimeError(f"ggml wrote {wrote:,} bytes where {made.nbytes:,} were due")
        return made

    def model(self, file: Path) -> int:
        """Raises RuntimeError in llama.cpp's words."""
        self._told.clear()
        parameters = self.call.llama_model_default_params()
        found = self.call.llama_model_load_from_file(os.fsencode(file), parameters)
        if not found:
            raise RuntimeError(f"llama.cpp does not load it: {self.trouble}")
        return int(found)

    def context(self, model: int, tokens: int, threads: int) -> int:
        """Room for one sequence of that many tokens. Raises RuntimeError."""
        self._told.clear()
        parameters = self.call.llama_context_default_params()
        parameters.words[0:3] = [tokens] * 3
        found = self.call.llama_init_from_model(model, parameters)
        if not found or self.call.llama_n_ctx(found) < tokens:
            raise RuntimeError(f"llama.cpp gives no context of {tokens} tokens: {self.trouble}")
        self.call.llama_set_n_threads(found, threads, threads)
        return int(found)

    def logits(self, context: int, tokens: NDArray[np.int32], vocabulary: int) -> NDArray[Any]:
        """[tokens, vocabulary]: of what comes after each token, the context beginning anew.
        Raises ValueError for tokens that are none, RuntimeError where there are no logits."""
        if len(tokens) == 0 or tokens.min() < 0 or tokens.max() >= vocabulary:
            raise ValueError(f"tokens are numbers from 0 to {vocabulary - 1:,}")
        tokens = np.ascontiguousarray(tokens, dtype=np.int32)
        self.call.llama_memory_clear(self.call.llama_get_memory(context), True)
        given = tokens.ctypes.data_as(_TOKENS)
        batch = self.call.llama_batch_get_one(given, len(tokens))
        if batch.n_tokens != len(tokens) or batch.embd or batch.pos or batch.logits:
            raise _unfit("llama_batch is not as it was")
        wanted = np.ones(len(tokens), dtype=np.int8)
        batch.logits = wanted.ctypes.data_as(_FLAGS)
        self._told.clear()
        code = self.call.llama_decode(context, batch)
        if code:
            raise RuntimeError(f"llama_decode gave {code}: {self.trouble}")
        return np.stack([self._row(context, one, vocabulary) for one in range(len(tokens))])

    def _row(self, context: int, place: int, vocabulary: int) -> NDArray[Any]:
        found = self.call.llama_get_logits_ith(context, place)
        if not found:
            raise RuntimeError("the model gives no logits: it is no generative language model")
        return np.ctypeslib.as_array(found, (vocabulary,)).copy()


@cache
def library() -> LlamaCpp:
    """Loaded once in a process. Raises ImportError without the package."""
    from xllamacpp import xllamacpp as extension

    return LlamaCpp(Path(extension.__file__))


def name() -> str:
    """For messages."""
    return f"llama.cpp (xllamacpp {version('xllamacpp')})"


def _unfit(what: str) -> RuntimeError:
    told = f"{name()} is not the release that this was written for: {what}. Install the locked one."
    return RuntimeError(told)
