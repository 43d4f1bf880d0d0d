"""Which type each tensor of a GGUF file gets: llama.cpp's own rules (src/llama-quant.cpp, the
functions tensor_allows_quantization, llama_tensor_get_type_impl and tensor_type_fallback).

Matrices alone are quantized; norms, routers, convolutions of state-space models and other small or
delicate ones stay as they are. The output matrix, or an embedding that serves as one, gets Q6_K, or
Q8_0 where rows do not divide by 256. The mixtures Q4_K_M and Q5_K_M give Q6_K to the values of
attention and to ffn_down in the first and last eighth of the layers and every third between.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infrastructure.engine.gguf.header import GgufHeader, GgufTensor

BLOCKS = {
    "F32": 1, "F16": 1, "BF16": 1, "Q8_0": 32, "Q4_0": 32, "Q4_1": 32, "Q5_0": 32, "Q5_1": 32,
    "Q4_K": 256, "Q5_K": 256, "Q6_K": 256,
}  # fmt: skip
_SMALLER = {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}
"""What takes the place of a type whose blocks of 256 a row does not fill."""

_NEVER = (
    "_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel",
    "per_layer_model_proj", "ssm_conv1d", "shortconv.conv.weight", "indexer.k_proj.weight",
    "indexer.q_proj.weight", "time_mix_first.weight", "time_mix_w0.weight", "time_mix_w1.weight",
    "time_mix_w2.weight", "time_mix_v0.weight", "time_mix_v1.weight", "time_mix_v2.weight",
    "time_mix_a0.weight", "time_mix_a1.weight", "time_mix_a2.weight", "time_mix_g1.weight",
    "time_mix_g2.weight", "time_mix_decay_w1.weight", "time_mix_decay_w2.weight",
    "time_mix_lerp_fused.weight", "attn_rel_b.weight", ".position_embd", "sam.pos_embd",
    "sam.neck.", "sam.net_", ".rel_pos", ".patch_embd", ".patch_merger", "a.rvq.codebook",
    "mm.a.code_embd",
)  # fmt: skip
_NEVER_NAMED = ("position_embd.weight", "token_types.weight")
_VALUES = ("attn_qkv.weight", "attn_kv_b.weight", "attn_v.weight")
_EMBEDDINGS = ("token_embd.weight", "per_layer_token_embd.weight")


@dataclass(frozen=True, slots=True)
class FileType:
    """`number` is llama.cpp's LLAMA_FTYPE; `base` the type of most matrices; in a `mixed` file
    some get more bits."""

    name: str
    number: int
    base: str
    mixed: bool = False


FILE_TYPES = {
    one.name: one
    for one in (
        FileType("F16", 1, "F16"),
        FileType("BF16", 32, "BF16"),
        FileType("Q4_0", 2, "Q4_0"),
        FileType("Q4_1", 3, "Q4_1"),
        FileType("Q8_0", 7, "Q8_0"),
        FileType("Q5_0", 8, "Q5_0"),
        FileType("Q5_1", 9, "Q5_1"),
        FileType("Q4_K_M", 15, "Q4_K", mixed=True),
        FileType("Q5_K_M", 17, "Q5_K", mixed=True),
        FileType("Q6_K", 18, "Q6_K"),
    )
}


def plan(found: GgufHeader, wanted: FileType) -> dict[str, str]:
    """The type of each tensor by its name, such as `Q4_K`; tensors that stay are left out."""
    return dict(_Plan(found, wanted).types())


def is_matrix(one: GgufTensor) -> bool:
    """Whether llama.cpp quantizes such a tensor."""
    dimensions = max((n + 1 for n, size in enumerate(one.shape) if size > 1), default=1)
    if dimensions < 2 or not one.name.endswith("weight") or one.name in _NEVER_NAMED:
        return False
    return not any(part in one.name for part in _NEVER)


class _Plan:
    """Goes through the tensors in llama.cpp's order: what has no layer, then layer by layer."""

    def __init__(self, found: GgufHeader, wanted: FileType) -> None:
        self._wanted, self._found = wanted, found
        self._architecture = str(found.pairs.get("general.architecture", ""))
        self._tensors = sorted(found.tensors, key=lambda one: (_layer(one.name), one.name))
        self._values = sum(_is_values(one.name) for one in self._tensors)
        self._tied = all(one.name != "output.weight" for one in self._tensors)
        self._layers = int(self._of("block_count") or 0)
        self._experts = max(1, int(self._of("expert_count") or 0))
        self._seen_values = self._seen_down = 0

    def types(self) -> Iterator[tuple[str, str]]:
        for one in self._tensors:
            if is_matrix(one):
                yield one.name, self._type(one)

    def _type(self, one: GgufTensor) -> str:
        base = self._wanted.base
        if BLOCKS[base] == 1:
            return base
        return _fitting(self._chosen(one), one.shape[0])

    def _chosen(self, one: GgufTensor) -> str:
        base, name = self._wanted.base, one.name
        falcon = self._architecture == "falcon"
        if name == "output.weight" or (self._tied and name in _EMBEDDINGS):
            if falcon or one.shape[0] % BLOCKS[base]:
                return "Q8_0"
            return base if base == "Q8_0" else "Q6_K"
        if _is_values(name):
            place, self._seen_values = self._seen_values, self._seen_values + 1
            return self._of_values(place)
        if "attn_k.weight" in name and self._experts == 8:
            return "Q8_0"
        if "ffn_down" in name:
            place, self._seen_down = self._seen_down, self._seen_down + 1
            place = _layer(name) if self._experts > 1 else place
            return self._of_down(place, falcon)
        if "attn_output.weight" in name and self._experts == 8 and self._wanted.name == "Q4_K_M":
            return base if falcon else "Q5_K"
        return base

    def _of_values(self, place: int) -> str:
        """The attention's values: few numbers on which much depends."""
        if self._experts == 8:
            return "Q8_0"
        if self._wanted.mixed and _more_bits(place, self._values):
            return "Q6_K"
        return "Q5_K" if self._wanted.base == "Q4_K" and self._is_70b() else self._wanted.base

    def _of_down(self, place: int, falcon: bool) -> str:
        base, layers = self._wanted.base, self._layers
        if not self._wanted.mixed:
            return base
        if falcon and base == "Q4_K":
            if place < layers // 16:
                return "Q6_K"
            return "Q5_K" if _more_bits(place, layers) else base
        return "Q6_K" if _more_bits(place, layers) else base

    def _of(self, name: str) -> Any:
        """Of the architecture's sizes; None where it is not told."""
        return self._found.pairs.get(f"{self._architecture}.{name}")

    def _is_70b(self) -> bool:
        heads, shared = self._of("attention.head_count"), self._of("attention.head_count_kv")
        return self._architecture == "llama" and self._layers == 80 and heads != shared


def _fitting(wanted: str, columns: int) -> str:
    if columns % BLOCKS[wanted] == 0:
        return wanted
    smaller = _SMALLER.get(wanted, wanted)
    return smaller if columns % BLOCKS[smaller] == 0 else "F16"


def _more_bits(layer: int, layers: int) -> bool:
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def _is_values(name: str) -> bool:
    return any(part in name for part in _VALUES)


def _layer(name: str) -> int:
    """−1 for what belongs to no layer."""
    found = re.match(r"blk\.(\d+)\.", name)
    return int(found[1]) if found else -1
