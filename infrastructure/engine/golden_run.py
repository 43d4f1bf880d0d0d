"""The task `golden`: a model's own answers to a few inputs, as the file that devices judge by.

The same model with the same inputs gives the same bytes: one thread, and a zip without times.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from application.ports.engine import EngineRefusal
from domain.release import GOLDEN
from infrastructure.engine.pass_contract import Feed
from infrastructure.engine.proof.compare import comparable
from infrastructure.engine.proof.inputs import CannotFeed, inputs_for
from infrastructure.engine.proof.rows import rows_of
from infrastructure.engine.refusals import REFERENCE_FIELD
from infrastructure.engine.reporting import Reporter, memory_ran_out
from infrastructure.engine.runtime import Session, open_model, runtime_of

MOST_BYTES = 64 * 2**20
"""Of all arrays together: every device fetches and holds them."""


def make_golden(request: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """`{"model", "data" | None, "samples"}` in; `{"samples", "inputs"}` out, and the file
    `golden.npz` in the working folder. Raises EngineRefusal."""
    model, wanted = Path(request["model"]), int(request["samples"])
    session = _loaded(model)
    arrays: Feed = {}
    try:
        found = inputs_for(session, rows_of(request["data"]), limit=wanted, batch=1)
        samples = 0
        for samples, feed in enumerate(found.batches(), 1):
            _add(arrays, samples - 1, feed, _answers(session, feed))
            reporter.tick(100 * samples / wanted, f"sample {samples}")
            if samples == wanted or _bytes(arrays) > MOST_BYTES:
                break
    except CannotFeed as error:
        raise EngineRefusal("CANNOT_FEED", str(error), "", REFERENCE_FIELD) from error
    if _bytes(arrays) > MOST_BYTES and samples > 1:
        samples -= 1
        arrays = {name: one for name, one in arrays.items() if f"/{samples}/" not in name}
    np.savez(GOLDEN, allow_pickle=False, **arrays)
    return {"samples": samples, "inputs": str(found.used)}


def _loaded(model: Path) -> Session:
    try:
        return open_model(model, threads=1)
    except Exception as error:
        if isinstance(error, EngineRefusal) or memory_ran_out(error):
            raise
        told = f"{runtime_of(model)} does not load it: {' '.join(str(error).split())[:400]}"
        raise _refused("NOT_RUNNABLE", told) from error


def _answers(session: Session, feed: Feed) -> Feed:
    """The outputs that are tensors of numbers."""
    names = [one.name for one in session.get_outputs()]
    found = dict(zip(names, session.run(None, feed), strict=True))
    answers = {name: value for name, value in found.items() if comparable(value)}
    if not answers:
        raise _refused("NOTHING_TO_COMPARE", "No output of the model is a tensor of numbers.")
    odd = [name for name, value in answers.items() if not np.isfinite(value).all()]
    if odd:
        raise _refused("NOT_FINITE", f"The output “{odd[0]}” has NaN or infinity in it.")
    return answers


def _add(arrays: Feed, sample: int, inputs: Feed, outputs: Feed) -> None:
    for side, values in (("input", inputs), ("output", outputs)):
        for name, value in values.items():
            arrays[f"{side}/{sample}/{name}"] = _plain(value)


def _plain(value: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(value)


def _bytes(arrays: Feed) -> int:
    return sum(one.nbytes for one in arrays.values())


def _refused(code: str, message: str) -> EngineRefusal:
    remedy = "Name another artifact as the reference: one that runs, and answers with numbers."
    return EngineRefusal(code, message, remedy, REFERENCE_FIELD)
