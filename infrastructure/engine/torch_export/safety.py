"""What in an exported program would run code of its maker's when torch loads or traces it.

torch hands expressions of sizes to SymPy, which evaluates them as Python; it resolves the names of
operators anywhere in `torch`, and calls what it finds. So both are held to what torch.export writes
of a plain model: expressions of known functions over symbols, operators of ATen and arithmetic.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from infrastructure.engine.refusals import model_refused
from infrastructure.engine.torch_export.archived import Archived, broken

SYMBOL = re.compile(r"[a-z]{1,3}\d+")
WORDS = frozenset(
    [
        "Symbol",
        "Integer",
        "Float",
        "Rational",
        "Add",
        "Mul",
        "Pow",
        "Max",
        "Min",
        "Mod",
        "PythonMod",
        "FloorDiv",
        "CleanDiv",
        "Where",
        "ModularIndexing",
        "CeilToInt",
        "FloorToInt",
        "TruncToInt",
        "RoundToInt",
        "RoundDecimal",
        "ToFloat",
        "FloatPow",
        "PowByNatural",
        "IntTrueDiv",
        "FloatTrueDiv",
        "Identity",
        "Abs",
        "Eq",
        "Ne",
        "Lt",
        "Le",
        "Gt",
        "Ge",
        "And",
        "Or",
        "Not",
        "Equality",
        "Unequality",
        "StrictLessThan",
        "LessThan",
        "StrictGreaterThan",
        "GreaterThan",
        "floor",
        "ceiling",
        "positive",
        "negative",
        "nonnegative",
        "integer",
        "real",
        "finite",
        "zero",
        "True",
        "False",
        "oo",
        "int_oo",
    ]
)
QUOTED = re.compile(r"Symbol\('([A-Za-z]\w{0,30})'")
CHARACTERS = re.compile(r"[\w\s+\-*/%(),<>=&|~!.]{0,2000}")
ARITHMETIC = re.compile(
    r"_operator\.(add|sub|mul|truediv|floordiv|mod|pow|neg|pos|eq|ne|lt|le|gt|ge|and_|or_|getitem|"
    r"lshift|rshift)|math\.(trunc|floor|ceil)|torch\.sym_(not|int|float|ite|max|min|sqrt)"
)
OPERATOR = re.compile(r"torch\.ops\.(aten|prims|higher_order)\.(\w+)(\.\w+)?")
FILES = ("from_file",)
"""Operators of ATen that open files."""
CONTAINERS = (None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict")


def check(model: Archived) -> None:
    """Raises EngineRefusal(RUNS_CODE | CUSTOM_OPERATORS | INVALID_MODEL)."""
    for expression in _expressions(model.program):
        if not _plain(expression):
            raise _runs_code(f"a size that is no plain expression, {str(expression)[:80]!r}")
    for target in _targets(model.program):
        _check_target(target)
    for kind in _containers(model.program):
        if kind not in CONTAINERS:
            raise model_refused(
                "CUSTOM_TYPES",
                f"What it takes or gives is in a container of the type {str(kind)[:80]!r}.",
                "Export a model that takes and gives tensors, or tuples, lists and dicts of them.",
            )


def _check_target(target: object) -> None:
    if not isinstance(target, str):
        raise broken("The name of an operator is no text.")
    found = OPERATOR.fullmatch(target)
    if found and found[2] not in FILES:
        return
    if ARITHMETIC.fullmatch(target):
        return
    if target.startswith("torch.ops.") and not found:
        raise model_refused(
            "CUSTOM_OPERATORS",
            f"It calls {target[:80]}, an operator that PyTorch itself does not bring.",
            "Export a model of PyTorch's own operators.",
        )
    raise _runs_code(f"the function {target[:80]!r}")


def _runs_code(what: str) -> Exception:
    return model_refused(
        "RUNS_CODE",
        f"It would have {what} evaluated when it is loaded, and that can run any code.",
        "Export the model again with torch.export.export, from PyTorch's own layers.",
    )


def _plain(expression: object) -> bool:
    """Names that are known, numbers, and signs between them; a dot within a number alone."""
    if not isinstance(expression, str):
        return False
    bare = QUOTED.sub(r"Symbol(\1", expression)
    symbols = set(QUOTED.findall(expression))
    if not CHARACTERS.fullmatch(bare) or re.search(r"\.(?!\d)|(?<!\d)\.|\*\*\s*\d{3}", bare):
        return False
    names = re.findall(r"[A-Za-z_]\w*", bare)
    return all(one in WORDS or one in symbols or SYMBOL.fullmatch(one) for one in names)


def _walk(root: object) -> Iterator[dict[str, Any]]:
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _expressions(program: dict[str, Any]) -> Iterator[object]:
    constraints = program.get("range_constraints")
    yield from constraints if isinstance(constraints, dict) else ()
    yield from (one["expr_str"] for one in _walk(program) if "expr_str" in one)


def _targets(program: dict[str, Any]) -> Iterator[object]:
    for one in _walk(program):
        if "target" in one and "inputs" in one:
            yield one["target"]
        if "as_operator" in one:
            yield one["as_operator"]


def _containers(program: dict[str, Any]) -> Iterator[object]:
    """Types in the specifications of trees, which are JSON within the JSON."""
    for one in _walk(program):
        for key in ("in_spec", "out_spec"):
            told = one.get(key)
            if isinstance(told, str):
                try:
                    specification = json.loads(told)
                except (ValueError, RecursionError) as error:
                    raise broken(f"{key} cannot be read ({str(error)[:100]}).") from error
                yield from (node["type"] for node in _walk(specification) if "type" in node)
