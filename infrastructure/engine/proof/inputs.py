"""What a model is fed, the same for a source and each of its variants.

Rows of the evaluation data, else of the calibration data, else seeded random inputs. An array
feeds the input of its name (a single array feeds a single input), with its rows in the place of the
input's first dimension, or with each row a whole input when it has one dimension more. A fixed
first dimension is filled with that many rows, and rows that do not fill one are left out; an open
one takes what is left at the end as a shorter feed.

Random inputs: floats from a normal distribution, integers from the first range that the model runs
with (bytes, then bits, then zeros: integers often index an embedding), open dimensions from the
first size that it runs with.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from domain.dataset import is_label
from domain.parity import InputsUsed
from infrastructure.engine.pass_contract import Feed, Rows
from infrastructure.engine.reporting import memory_ran_out
from infrastructure.engine.runtime import Session, Tensor

SEED = 20_260_101
SYNTHETIC_ROWS = 64
OPEN_SIZES = (16, 64, 224, 1)
INTEGER_TOPS = (255, 1, 0)
_NUMPY = {
    "float": np.float32, "double": np.float64, "float16": np.float16, "bool": np.bool_,
    "int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
}  # fmt: skip


class CannotFeed(ValueError):
    """No inputs that this model runs with could be made; the words say what was tried."""


@dataclass(frozen=True)
class Inputs:
    """`batches` starts afresh each time and gives the same; a feed has `batch` rows, the last one
    fewer where the model lets it. `judged` gives with each feed the same rows of the arrays that
    are no inputs: what is right."""

    used: InputsUsed
    rows: int
    batch: int
    note: str
    batches: Callable[[], Iterator[Feed]]
    first_row: Callable[[], Feed]
    judged: Callable[[], Iterator[tuple[Feed, Feed]]]


def inputs_for(session: Session, data: Rows | None, limit: int, batch: int) -> Inputs:
    """At most `limit` rows in feeds of `batch` rows (or of the model's own fixed number).

    Raises CannotFeed.
    """
    if data is None:
        return _synthetic(session, min(limit, SYNTHETIC_ROWS), batch)
    wanted = session.get_inputs()
    first = next(iter(data.iterate(1, 1)), None)
    if first is None:
        raise CannotFeed("The dataset has no rows.")
    names = _matched([one.name for one in wanted], first)
    whole = any(first[names[one.name]].ndim == len(one.shape) + 1 for one in wanted)
    fixed = None if whole else _fixed_batch(wanted)
    size = 1 if whole else fixed or batch
    full = min(limit, data.rows) // (fixed or 1) * (fixed or 1)
    if full == 0:
        raise CannotFeed(f"The model takes {size} rows at once; the dataset has {data.rows}.")

    def judged(rows: int = full, each: int = size) -> Iterator[tuple[Feed, Feed]]:
        for found in data.iterate(each, rows):
            feed = {one: found.pop(name) for one, name in names.items()}
            if fixed is None or len(next(iter(feed.values()))) == fixed:
                yield {one: value[0, ...] if whole else value for one, value in feed.items()}, found

    def batches() -> Iterator[Feed]:
        return (feed for feed, _ in judged())

    def first_row() -> Feed:
        return next(judged(fixed or 1, fixed or 1))[0]

    return Inputs(InputsUsed.DATASET, full, size, "", batches, first_row, judged)


def _fixed_batch(wanted: Sequence[Tensor]) -> int | None:
    fixed = (one.shape[0] for one in wanted if one.shape and isinstance(one.shape[0], int))
    return next(fixed, None)


def _matched(names: list[str], found: Feed) -> dict[str, str]:
    arrays = [name for name in found if name in names or not is_label(name)]
    if len(names) == 1 and len(arrays) == 1:
        return {names[0]: arrays[0]}
    missing = [name for name in names if name not in arrays]
    if missing:
        raise CannotFeed(f"The dataset has no array for the input “{missing[0]}”.")
    return {name: name for name in names}


def _synthetic(session: Session, rows: int, batch: int) -> Inputs:
    """Tries the open sizes and the ranges of integers until the model runs."""
    wanted = session.get_inputs()
    unknown = [one.type for one in wanted if _kind(one.type) not in _NUMPY]
    if unknown:
        raise CannotFeed(f"Random inputs of type {unknown[0]} cannot be made; give a dataset.")
    trouble = ""
    for size in OPEN_SIZES if _is_open(wanted) else OPEN_SIZES[:1]:
        for top in INTEGER_TOPS if _has_integers(wanted) else INTEGER_TOPS[:1]:
            try:
                session.run(None, _random(wanted, batch, size, top, 0))
            except Exception as error:  # ONNX Runtime raises by many names
                if memory_ran_out(error):
                    raise
                trouble = str(error)[:200]
            else:
                return _random_inputs(wanted, rows, batch, size, top)
    raise CannotFeed(f"No random inputs run on this model ({trouble}). Give a dataset.")


def _random_inputs(wanted: Sequence[Tensor], rows: int, batch: int, size: int, top: int) -> Inputs:
    each = _fixed_batch(wanted) or batch
    count = max(1, rows // each)
    said = f"random inputs, seed {SEED}"
    said += f", integers 0 to {top}" if _has_integers(wanted) else ""
    said += f", open dimensions {size}" if _is_open(wanted) else ""

    def batches() -> Iterator[Feed]:
        yield from (_random(wanted, batch, size, top, number) for number in range(count))

    def first_row() -> Feed:
        return _random(wanted, 1, size, top, 0)

    def judged() -> Iterator[tuple[Feed, Feed]]:
        return ((feed, {}) for feed in batches())

    return Inputs(InputsUsed.SYNTHETIC, count * each, each, said, batches, first_row, judged)


def _random(wanted: Sequence[Tensor], batch: int, size: int, top: int, number: int) -> Feed:
    random = np.random.default_rng([SEED, number])
    feed = {}
    for one in wanted:
        shape = [
            place if isinstance(place, int) else (batch if axis == 0 else size)
            for axis, place in enumerate(one.shape)
        ]
        kind = np.dtype(_NUMPY[_kind(one.type)])
        if kind.kind == "f":
            feed[one.name] = np.asarray(random.standard_normal(shape), dtype=kind)
        else:
            most = 1 if kind.kind == "b" else min(top, int(np.iinfo(kind.name).max))
            feed[one.name] = np.asarray(random.integers(0, most + 1, shape), dtype=kind)
    return feed


def _kind(typed: str) -> str:
    return typed.removeprefix("tensor(").removesuffix(")")


def _has_integers(wanted: Sequence[Tensor]) -> bool:
    return any("int" in one.type for one in wanted)


def _is_open(wanted: Sequence[Tensor]) -> bool:
    return any(not isinstance(place, int) for one in wanted for place in one.shape[1:])
