"""Reads what a SavedModel takes and gives, out of saved_model.pb alone; no TensorFlow.

The messages are tensorflow/core/protobuf/{saved_model,meta_graph}.proto and
tensorflow/core/framework/{graph,function,node_def,tensor_shape}.proto; the numbers are fields:

    SavedModel.meta_graphs 2 ─► MetaGraphDef.graph_def 2 ─► GraphDef.node 1, .library 2 ─► functions
                                            .signature_def 5: name ─► inputs 1, outputs 2
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infrastructure.engine import archive, wire
from infrastructure.engine.refusals import model_refused

GRAPH_FILE = "saved_model.pb"
MOST_BYTES = 2**31 - 1
SERVING = "serving_default"
HIDDEN = "__saved_model"
RUNS_CODE = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
TOUCHES_FILES = ("ReadFile", "WriteFile")
VARIABLES = ("VarHandleOp", "VariableV2")
DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string",
    8: "complex64", 9: "int64", 10: "bool", 14: "bfloat16", 17: "uint16", 18: "complex128",
    19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip
"""tensorflow/core/framework/types.proto"""
FLOATS = (1, 2, 14, 19)
REMEDY = "Export the model again: model.export(“folder”), and zip the folder."


def inspect_saved_model(file: Path) -> dict[str, Any]:
    """`{"signature", "warnings"}`. Raises EngineRefusal for a model that cannot be taken."""
    content = memoryview(archive.content(file, _place(file), MOST_BYTES))
    try:
        graphs = list(wire.messages(content, 2))
        if not graphs:
            raise model_refused("INVALID_MODEL", f"Its {GRAPH_FILE} holds no graph.", REMEDY)
        nodes = [node for graph in graphs for node in _nodes(graph)]
        operators = Counter(wire.text(node, 2) for node in nodes)
        _check_operators(operators)
        chosen, others = _signature(graphs[0])
        inputs, outputs = (_tensors(chosen, field) for field in (1, 2))
        counted = sum(map(_parameters, nodes))
    except wire.Malformed as error:
        raise model_refused(
            "INVALID_MODEL", f"Its {GRAPH_FILE} cannot be read: {error}.", REMEDY
        ) from error
    signature = {
        "inputs": inputs,
        "outputs": outputs,
        "parameters": counted,
        "opset": None,
        "operators": dict(sorted(operators.items())),
    }
    told = f"It has more signatures: {', '.join(others)}. The one that is used is {SERVING}."
    return {"signature": signature, "warnings": [told] if others else []}


def _place(file: Path) -> str:
    names = sorted(one.filename for one in archive.entries(file))
    found = [name for name in names if name.rsplit("/", 1)[-1] == GRAPH_FILE]
    if len(found) != 1:
        raise model_refused(
            "INVALID_MODEL", f"The zip has {len(found)} SavedModels.", "Zip one model's folder."
        )
    return found[0]


def _nodes(graph: memoryview) -> Iterator[memoryview]:
    """Those of the graph itself and of its functions."""
    yield from wire.messages(graph, 2, 1)
    yield from wire.messages(graph, 2, 2, 1, 3)


def _check_operators(operators: Counter[str]) -> None:
    code = [name for name in RUNS_CODE if name in operators]
    if code:
        raise model_refused(
            "RUNS_CODE",
            f"The graph has the operator {code[0]}, which runs Python code of its maker.",
            "Write that step with TensorFlow's own operators and export the model again.",
        )
    files = [name for name in TOUCHES_FILES if name in operators]
    if files:
        raise model_refused(
            "RUNS_CODE",
            f"The graph has the operator {files[0]}, which reaches for files of the machine that "
            "runs it.",
            "Give the model its data as an input, and export it again.",
        )


def _signature(graph: memoryview) -> tuple[memoryview, list[str]]:
    found = {name: value for name, value in wire.entries(graph, 5) if not name.startswith(HIDDEN)}
    if not found:
        raise model_refused(
            "NO_OUTPUTS", "The SavedModel has no signature, so nobody can call it.", REMEDY
        )
    name = SERVING if SERVING in found else min(found)
    return found.pop(name), sorted(found)[:8]


def _tensors(signature: memoryview, field: int) -> list[dict[str, Any]]:
    """TensorInfo: dtype 2, tensor_shape 3."""
    return [
        {
            "name": name,
            "dtype": DTYPES.get(wire.number(info, 2), "unknown"),
            "shape": _shape(next(wire.messages(info, 3), None)),
        }
        for name, info in sorted(wire.entries(signature, field))
    ]


def _shape(shape: memoryview | None) -> list[int | str]:
    """TensorShapeProto: dim 2 (size 1), unknown_rank 3."""
    if shape is None or wire.number(shape, 3):
        return ["?"]
    sizes = [wire.signed(wire.number(one, 1)) for one in wire.messages(shape, 2)]
    return ["?" if size < 0 else size for size in sizes]


def _parameters(node: memoryview) -> int:
    """Numbers in a variable of floats, or in a constant of floats, as in a frozen graph.
    NodeDef: op 2, attr 5; AttrValue: type 6, shape 7, tensor 8; TensorProto: dtype 1, shape 2."""
    operator = wire.text(node, 2)
    if operator not in (*VARIABLES, "Const"):
        return 0
    attributes = dict(wire.entries(node, 5))
    empty = memoryview(b"")
    kind = wire.number(attributes.get("dtype", empty), 6)
    if operator == "Const":
        tensor = next(wire.messages(attributes.get("value", empty), 8), empty)
        shape = next(wire.messages(tensor, 2), None)
    else:
        shape = next(wire.messages(attributes.get("shape", empty), 7), None)
    return _product(shape) if kind in FLOATS else 0


def _product(shape: memoryview | None) -> int:
    total = 1
    for size in _shape(shape):
        if not isinstance(size, int):
            return 0
        total *= size
    return total
