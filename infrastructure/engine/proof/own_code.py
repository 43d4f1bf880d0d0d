"""The tasks `load_scorer` and `score`: a user's own scorer, in a process of its own.

The module is run where it can compute and nothing else (see `seccomp`, and the sandbox around it).
It must have `score(outputs, labels)`, both dictionaries of arrays by name with all rows, and answer
a number, higher being better, or {"value": …, "higher_is_better": …}.
"""

import math
import numbers
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from application.ports.engine import EngineRefusal
from infrastructure.engine import seccomp
from infrastructure.engine.proof.own_scorer import FAILED
from infrastructure.engine.proof.recorded import labels_of, outputs_of
from infrastructure.engine.reporting import Reporter

NAME = "scorer.py"
LONGEST_WORDS = 300


def load_scorer(request: dict[str, Any], _reporter: Reporter) -> dict[str, Any]:
    """`{"code"}` in, nothing out. Raises EngineRefusal for a module that cannot be loaded."""
    _confine()
    _loaded(request["code"])
    return {}


def score(request: dict[str, Any], _reporter: Reporter) -> dict[str, Any]:
    """`{"code", "outputs", "side", "evaluation"}` in; `{"value", "higher_is_better"}` out."""
    folder = Path(request["outputs"])
    outputs = outputs_of(folder, request["side"])
    labels = labels_of(folder, Path(request["evaluation"]))
    _confine()
    function = _loaded(request["code"])
    return _told(_done(lambda: function(outputs, labels)))


def _confine() -> None:
    try:
        seccomp.confine()
    except OSError as error:
        raise EngineRefusal(
            "SCORER_NOT_CONFINED",
            f"Your own scorer cannot be confined on this machine ({error}).",
            "Run the worker on Linux with seccomp, on x86-64 or ARM64.",
            "scorer",
        ) from error


def _loaded(code: str) -> Callable[[Any, Any], Any]:
    module: dict[str, Any] = {"__name__": "scorer", "__file__": NAME}
    _done(lambda: exec(compile(code, NAME, "exec"), module))  # noqa: S102  (this is the place for it)
    found = module.get("score")
    if not callable(found):
        raise _refused("It defines no function “score”.")
    return found  # type: ignore[no-any-return]


def _done(work: Callable[[], Any]) -> Any:
    """Whatever it raises is told with its line; only the end that we asked for goes on."""
    from infrastructure.engine.child import Stop

    try:
        return work()
    except Stop:
        raise
    except MemoryError as error:
        raise _refused("It used more memory than it may.") from error
    except BaseException as error:
        words = " ".join(str(error).split())[:LONGEST_WORDS]
        raise _refused(f"{type(error).__name__}{_line(error)}: {words}") from None


def _line(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f" in line {error.lineno}"
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == NAME
    ]
    return f" in line {lines[-1]}" if lines else ""


def _told(answer: Any) -> dict[str, Any]:
    value, higher = answer, True
    if isinstance(answer, Mapping):
        value, higher = answer.get("value"), answer.get("higher_is_better", True)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    real = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    if not real or not isinstance(higher, bool | np.bool_):
        raise _refused(
            f"It answered {str(answer)[:80]!r} ({type(answer).__name__}); a number is wanted, or "
            "{“value”: number, “higher_is_better”: bool}."
        )
    number = float(value)
    if not math.isfinite(number):
        raise _refused(f"It answered {number}, which is no finite number.")
    return {"value": number, "higher_is_better": bool(higher)}


def _refused(words: str) -> EngineRefusal:
    return EngineRefusal(FAILED, words, "", "scorer")
