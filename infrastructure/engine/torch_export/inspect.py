"""Reads what an exported program takes and gives, out of its JSON; no torch."""

import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

from infrastructure.engine.torch_export import archived
from infrastructure.engine.torch_export.archived import KINDS, Archived, broken
from infrastructure.engine.torch_export.safety import check

WARNING = (
    "Nothing here runs PyTorch: it can become Core ML, unproven. To have it optimized, run and "
    "compared here, export it to ONNX too: torch.onnx.export(model, (example,), “model.onnx”)."
)
PREFIX = "torch.ops."


def inspect_torch_export(file: Path) -> dict[str, Any]:
    """`{"signature", "warnings"}`. Raises EngineRefusal for what is not safe or not whole."""
    model = archived.read(file)
    check(model)
    try:
        signature = _signature(model)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise broken(f"Its program cannot be read ({error!r}).") from error
    if not signature["outputs"]:
        raise broken("Its program gives no tensors.")
    return {"signature": signature, "warnings": [WARNING]}


def _signature(model: Archived) -> dict[str, Any]:
    module = model.program["graph_module"]
    graph, told = module["graph"], module["signature"]
    given = [one["user_input"]["arg"] for one in told["input_specs"] if "user_input" in one]
    gives = [one["user_output"]["arg"] for one in told["output_specs"] if "user_output" in one]
    counted = Counter(str(node["target"]).removeprefix(PREFIX) for node in graph["nodes"])
    floats = (one for one in model.payloads if "float" in one.kind)
    return {
        "inputs": _tensors(given, graph["tensor_values"]),
        "outputs": _tensors(gives, graph["tensor_values"]),
        "parameters": sum(math.prod(one.sizes) for one in floats),
        "opset": None,
        "operators": dict(sorted(counted.items())),
    }


def _tensors(arguments: list[dict[str, Any]], values: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of the arguments that are tensors, which all are that a dataset can feed."""
    names = [str(one["as_tensor"]["name"]) for one in arguments if "as_tensor" in one]
    return [
        {
            "name": name,
            "dtype": KINDS[values[name]["dtype"]][0],
            "shape": [_size(one) for one in values[name]["sizes"]],
        }
        for name in names
    ]


def _size(told: dict[str, Any]) -> int | str:
    """A number, or for an open one the symbol or expression that stands for it."""
    if "as_int" in told:
        return int(told["as_int"])
    expression = str(told["as_expr"]["expr_str"])
    return re.sub(r"Symbol\('(\w+)'[^)]*\)|Integer\((-?\d+)\)", r"\1\2", expression)[:60]
