"""Reads what a GGUF model is: its architecture, its parameters, its tensors by type.

GGUF keeps no graph. The signature of a language model is what llama.cpp runs it by: token ids in,
a score for each word of the vocabulary out; `operators` counts tensors by type instead of nodes.
"""

from collections import Counter
from pathlib import Path
from typing import Any

from infrastructure.engine.gguf.header import GgufHeader, Items, read_header
from infrastructure.engine.refusals import model_refused

TOKENS = "tokenizer.ggml.tokens"
EMBEDDING = "token_embd.weight"


def inspect_gguf(file: Path) -> dict[str, Any]:
    """`{"signature", "warnings"}`. Raises EngineRefusal for a file that cannot be taken."""
    header = read_header(file)
    if not header.tensors:
        raise model_refused(
            "NOT_A_MODEL",
            "It is a GGUF file without tensors, such as a vocabulary alone.",
            "Upload the file that holds the weights.",
        )
    if _part(header, "split.count") > 1:
        raise model_refused(
            "WEIGHTS_MISSING",
            f"It is part {_part(header, 'split.no') + 1} of {_part(header, 'split.count')} of a "
            "split GGUF model.",
            "Join the parts: llama-gguf-split --merge FIRST-PART.gguf model.gguf.",
        )
    words = vocabulary(header)
    signature = {
        "inputs": [{"name": "tokens", "dtype": "int32", "shape": [1, "tokens"]}] if words else [],
        "outputs": [{"name": "logits", "dtype": "float32", "shape": [1, "tokens", words]}]
        if words
        else [],
        "parameters": sum(tensor.elements for tensor in header.tensors),
        "opset": None,
        "operators": dict(sorted(Counter(tensor.kind for tensor in header.tensors).items())),
    }
    return {"signature": signature, "warnings": _warnings(header, words)}


def vocabulary(header: GgufHeader) -> int | None:
    """How many words a language model's vocabulary has; None for another kind of model."""
    table = next((one for one in header.tensors if one.name == EMBEDDING), None)
    if table is not None and len(table.shape) == 2:
        return table.shape[1]
    tokens = header.pairs.get(TOKENS)
    return tokens.count if isinstance(tokens, Items) and tokens.count else None


def _part(header: GgufHeader, key: str) -> int:
    found = header.pairs.get(key, 0)
    return found if isinstance(found, int) else 0


def _warnings(header: GgufHeader, words: int | None) -> list[str]:
    told = []
    if not isinstance(header.pairs.get("general.architecture"), str):
        told.append("It does not name its architecture, so llama.cpp cannot run it.")
    if words is None:
        told.append("It is no language model: what it takes and gives cannot be told.")
    return told
