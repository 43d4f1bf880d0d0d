"""The node tests of ONNX's own backend suite, each through inspection, every pass, and parity.

Each test is a model of one operator (or of its body) with inputs, and the outputs that the standard
says. A model is written as a file and inspected as an upload is; what is taken is run by ONNX
Runtime; each pass then makes a variant, which is run on the same inputs and judged by the verdict.
Everything is the engine's own code, called in one process without the sandbox.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto
from onnx.numpy_helper import from_array, to_array

from application.ports.engine import EngineRefusal
from domain.optimization_spec import OptimizationSpec, Pass
from domain.parity import Comparison
from domain.verdict import Limits, Verdict, decide
from infrastructure.engine.onnx.facts import WEIGHTED, facts
from infrastructure.engine.onnx.inspect import inspect_onnx
from infrastructure.engine.pass_contract import Feed, PassSkipped
from infrastructure.engine.proof.compare import OutputTally, comparable
from infrastructure.engine.proof.inputs import CannotFeed, inputs_for
from infrastructure.engine.proof.timing import side_by_side
from infrastructure.engine.runtime import open_model

KINDS = {
    "Unsupported model IR version": "IR version",
    "is under development": "opset not released",
    "Could not find an implementation": "no implementation for the type",
    "is not a registered function": "unknown operator",
}
PASSES = (Pass.GRAPH, Pass.FP16, Pass.DYNAMIC_INT8, Pass.STATIC_INT8)
SPEC = OptimizationSpec()
FIXED = "__weights_fixed"
"""How the names of tests end whose inputs were made constants."""


@dataclass(frozen=True)
class Judged:
    """What became of one test. `inspection` and each of `passes` is a word and, where there is more
    to say, the reason."""

    name: str
    inspection: tuple[str, str]
    run: tuple[str, str] = ("", "")
    passes: dict[str, tuple[str, str]] = field(default_factory=dict)


class OneRow:
    """The test's inputs as a dataset of one row."""

    rows = 1

    def __init__(self, feed: Feed) -> None:
        self._feed = {name: value[None] for name, value in feed.items()}

    def iterate(self, batch_rows: int, limit: int | None = None) -> Iterator[Feed]:
        yield dict(self._feed)

    def labels(self, limit: int | None = None) -> None:
        return None


class Silent:
    """Nobody looks on."""

    def tick(self, percent: float, message: str) -> None: ...


def cases() -> list[Any]:
    """All of them by name (onnx.backend.test.case.test_case.TestCase), and again with weights."""
    collect: Callable[[], list[Any]] = import_module(
        "onnx.backend.test.loader"
    ).load_node_model_tests
    with np.errstate(all="ignore"):
        found = list(collect())
    found += [fixed for case in found if (fixed := _with_weights(case)) is not None]
    return sorted(found, key=lambda case: str(case.name))


def _with_weights(case: Any) -> Any | None:
    """The same test with all inputs but the first as constants, as a trained model has them. The
    suite feeds weights as inputs, on which no INT8 pass has anything to do. None for operators
    that have no weights."""
    model, (inputs, outputs) = case.model, case.data_sets[0]
    named = list(model.graph.input)
    weighted = any(node.op_type in WEIGHTED for node in model.graph.node)
    values = [_array(value) for value in inputs[1:]]
    if not weighted or not values or len(named) != len(inputs) or not all(map(comparable, values)):
        return None
    fixed = type(model)()
    fixed.CopyFrom(model)
    del fixed.graph.input[1:]
    fixed.graph.initializer.extend(
        from_array(value, one.name) for value, one in zip(values, named[1:], strict=True)
    )
    data = [(inputs[:1], outputs)]
    return replace(case, name=f"{case.name}{FIXED}", model=fixed, data_sets=data)


def judged(case: Any, folder: Path) -> Judged:
    """Runs one test; files are left in `folder`."""
    source = folder / "source.onnx"
    source.write_bytes(case.model.SerializeToString())
    try:
        inspect_onnx(source)
    except EngineRefusal as refusal:
        return Judged(
            case.name, (f"refused: {refusal.code}{_kind(refusal)}", short(refusal.message))
        )
    try:
        feed, expected = _data(case)
        row = OneRow(feed)
        run = _run(source, row, expected, case)
    except CannotFeed as error:
        return Judged(case.name, ("taken", ""), ("not fed", str(error)))
    except Exception as error:
        return Judged(case.name, ("taken", ""), ("broke", _short(error)))
    made = {one.value: _passed(one, source, folder, row) for one in PASSES}
    return Judged(case.name, ("taken", ""), run, made)


def _kind(refusal: EngineRefusal) -> str:
    """Why ONNX Runtime does not load it, in the ways that it most often does not."""
    return next((f", {kind}" for words, kind in KINDS.items() if words in refusal.message), "")


def _data(case: Any) -> tuple[Feed, list[Any]]:
    inputs, outputs = ([_array(value) for value in side] for side in case.data_sets[0])
    weights = {tensor.name for tensor in case.model.graph.initializer}
    names = [one.name for one in case.model.graph.input if one.name not in weights]
    strange = [name for name, value in zip(names, inputs, strict=True) if not comparable(value)]
    if strange:
        raise CannotFeed(
            f"the input “{strange[0]}” is no tensor of a type that NumPy has (a text, a sequence, "
            "an optional, or a float of 16 or 8 bits that only ONNX has)"
        )
    return dict(zip(names, inputs, strict=True)), outputs


def _array(value: Any) -> Any:
    """The suite keeps some tensors as ONNX has them."""
    if isinstance(value, TensorProto):
        value = to_array(value)
    return np.asarray(value) if isinstance(value, np.generic) else value


def _run(source: Path, row: OneRow, expected: list[Any], case: Any) -> tuple[str, str]:
    """Whether ONNX Runtime gives what the standard says."""
    session = open_model(source, threads=1)
    feed = inputs_for(session, row, limit=1, batch=1).first_row()
    for found, wanted in zip(session.run(None, feed), expected, strict=False):
        if not isinstance(found, np.ndarray) or not comparable(found):
            continue
        near = np.allclose(found, wanted, case.rtol, max(case.atol, 1e-5), equal_nan=True)
        if found.shape != np.shape(wanted) or not near:
            return "ran, other values", "ONNX Runtime's outputs are not the standard's"
    return "ran as the standard says", ""


def _passed(one: Pass, source: Path, folder: Path, row: OneRow) -> tuple[str, str]:
    target = folder / f"{one.lower()}.onnx"
    target.unlink(missing_ok=True)
    apply = import_module(f"infrastructure.engine.onnx.passes.{one.lower()}").apply
    try:
        apply(source, target, SPEC, row, Silent())
    except PassSkipped as skipped:
        return f"skipped: {skipped.code}", skipped.reason
    except Exception as error:
        return "failed: PASS_FAILED", _short(error)
    try:
        verdict = _verdict(one, source, target, row)
    except CannotFeed as error:
        return "not fed", str(error)
    except Exception as error:
        return "failed: DOES_NOT_RUN", _short(error)
    if verdict.passed:
        return "made, parity holds", ""
    gate = next(gate for gate in verdict.gates if not gate.passed)
    return f"made, gate failed: {gate.name}", gate.reason


def _verdict(one: Pass, source: Path, target: Path, row: OneRow) -> Verdict:
    was, is_now = open_model(source, threads=1), open_model(target, threads=1)
    feed = inputs_for(was, row, limit=1, batch=1)
    names = [output.name for output in was.get_outputs()]
    tallies = {}
    given = feed.first_row()
    for name, ours, theirs in zip(
        names, was.run(names, given), is_now.run(names, given), strict=True
    ):
        if comparable(ours) and comparable(theirs):
            tallies[name] = OutputTally(name)
            tallies[name].add(ours, theirs)
    if not tallies:
        raise ValueError("no output is a tensor of numbers, so nothing can be compared")
    outputs = tuple(tally.parity() for tally in tallies.values())
    timing = side_by_side(was, is_now, given, threads=1, batch=1, seconds=0.0)
    comparison = Comparison(feed.used, 1, outputs, None, timing)
    sizes = source.stat().st_size, target.stat().st_size
    return decide(comparison, Limits(SPEC.max_drop), *sizes, facts(one, source, target))


def _short(error: Exception) -> str:
    return short(str(error))


def short(text: str) -> str:
    """One line, without the names of temporary files, which differ each time."""
    return re.sub(r"/\S*?/(?=[\w.]+\.onnx)", "", " ".join(text.split()))[:300]
