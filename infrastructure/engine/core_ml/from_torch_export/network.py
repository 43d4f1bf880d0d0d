"""An exported program with every size known, and as Core ML."""

from pathlib import Path
from typing import Any

import coremltools
import torch

from infrastructure.engine.core_ml.program import PRECISIONS, first_row, sizes_of, written
from infrastructure.engine.pass_contract import PassSkipped, Rows
from infrastructure.engine.torch_export.load import loaded


def to_core_ml(source: Path, target: Path, data: Rows | None, precision: str) -> str:
    """Raises PassSkipped for open sizes, EngineRefusal for what is not safe to load, and torch's
    and coremltools' errors."""
    program = _fixed(loaded(source), data).run_decompositions({})
    model = coremltools.convert(
        program,
        convert_to="mlprogram",
        compute_precision=PRECISIONS[precision],
        skip_model_load=True,
    )
    return written(model, target, precision)


def _fixed(program: Any, data: Rows | None) -> Any:
    """For one row. Exported again where a size was open: coremltools would leave it unbounded."""
    given = [node for node in program.graph.nodes if node.op == "placeholder"]
    named = {node.name: node.meta["val"] for node in given}
    names = program.graph_signature.user_inputs
    if not all(isinstance(named.get(name), torch.Tensor) for name in names):
        raise PassSkipped(
            "INPUTS_ARE_NO_TENSORS",
            "It takes numbers or texts beside tensors, and a Core ML program takes tensors alone. "
            "Export it with those fixed.",
        )
    open_ones = any(not isinstance(size, int) for name in names for size in named[name].shape)
    if not open_ones:
        return program
    rows = first_row(data)
    examples = [_example(name, named[name], rows, len(names) == 1) for name in names]
    arguments, keywords = _called(program, examples)
    return torch.export.export(program.module(check_guards=False), arguments, keywords)


def _example(name: str, value: Any, rows: Any, alone: bool) -> Any:
    shape = [size if isinstance(size, int) else None for size in value.shape]
    return torch.zeros(sizes_of(name, shape, rows, alone), dtype=value.dtype)


def _called(program: Any, flat: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """As the model's own forward takes them."""
    arguments, keywords = torch.utils._pytree.tree_unflatten(flat, program.call_spec.in_spec)
    return tuple(arguments), dict(keywords)
