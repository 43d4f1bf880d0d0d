"""A .pt2 as torch.export.save writes it, of one linear layer and a relu, without torch."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

FLOAT = 7
BATCH = "Symbol('s77', positive=True, integer=True)"


def tensor(*sizes: int | str) -> dict[str, Any]:
    told = [
        {"as_int": one} if isinstance(one, int) else {"as_expr": {"expr_str": one, "hint": None}}
        for one in sizes
    ]
    strides = [{"as_int": 1} for _ in sizes]
    return {"dtype": FLOAT, "sizes": told, "strides": strides, "storage_offset": {"as_int": 0}}


def named(name: str) -> dict[str, Any]:
    return {"as_tensor": {"name": name}}


def node(target: str, gives: str, **takes: str) -> dict[str, Any]:
    inputs = [{"name": key, "arg": named(one), "kind": 1} for key, one in takes.items()]
    return {"target": target, "inputs": inputs, "outputs": [named(gives)], "metadata": {}}


def program() -> dict[str, Any]:
    tree = {"type": "builtins.tuple", "context": "null", "children_spec": [{"type": None}]}
    return {
        "graph_module": {
            "graph": {
                "nodes": [
                    node("torch.ops.aten.linear.default", "linear", input="x", weight="p_w"),
                    node("torch.ops.aten.relu.default", "relu", self="linear"),
                ],
                "tensor_values": {
                    "x": tensor(BATCH, 4),
                    "p_w": tensor(3, 4),
                    "relu": tensor(BATCH, 3),
                },
            },
            "signature": {
                "input_specs": [
                    {"parameter": {"arg": {"name": "p_w"}, "parameter_name": "w"}},
                    {"user_input": {"arg": named("x")}},
                ],
                "output_specs": [{"user_output": {"arg": named("relu")}}],
            },
            "module_call_graph": [
                {"fqn": "", "signature": {"in_spec": json.dumps([1, tree]), "out_spec": "[1, {}]"}}
            ],
        },
        "range_constraints": {"s77": {"min_val": 0, "max_val": None}},
        "guards_code": [],
    }


def weights() -> dict[str, Any]:
    meta = tensor(3, 4)
    meta["strides"] = [{"as_int": 4}, {"as_int": 1}]
    one = {"path_name": "weight_0", "is_param": True, "use_pickle": False, "tensor_meta": meta}
    return {"config": {"w": one}}


def saved(
    path: Path,
    of: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    **others: bytes,
) -> Path:
    """`others` are more entries, by their names with `__` for a slash."""
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("net/archive_format", "pt2")
        packed.writestr("net/models/model.json", json.dumps(of or program()))
        entry = "net/data/weights/model_weights_config.json"
        packed.writestr(entry, json.dumps(config or weights()))
        packed.writestr("net/data/weights/weight_0", np.ones((3, 4), np.float32).tobytes())
        for name, content in others.items():
            packed.writestr(f"net/{name.replace('__', '/')}", content)
    return path
