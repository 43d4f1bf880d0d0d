"""Whether what a model answers on this device is what its reference answered.

The file is an .npz with `input/{sample}/{name}` and `output/{sample}/{name}`. Floating-point
answers of two or more numbers agree where their cosine similarity is high enough, each sample by
itself; those of one number, for which the cosine says only the sign, all samples together. Whole
numbers are names (a class, a token) and not sizes: at least half of them must be the same, all
samples together. Every answer has the shape and kind of the expected one, and is finite.

Inputs and outputs that a TFLite file keeps as quantized integers are real numbers here: `stored`
and `real` go between them (real = scale · (stored − zero point)).

NumPy is imported when it is used: an agent without a model has none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

MOST_SAMPLES = 1_000
LEAST_SAME = 0.5
_KINDS = {"f": "floating-point", "i": "whole", "u": "whole", "b": "truth"}


class BadGolden(ValueError):
    """The golden file is not what it should be; the text says why."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Arrays by the names of the model's inputs and outputs."""

    inputs: "Mapping[str, Array]"
    expected: "Mapping[str, Array]"


@dataclass(frozen=True, slots=True)
class Agreement:
    """`agree` samples of `samples`; `lowest` is the least similarity that was found, from −1 to 1;
    `problem` is None where all agree."""

    samples: int
    agree: int
    lowest: float
    problem: str | None


def read(path: Path) -> list[Sample]:
    """Raises BadGolden."""
    import numpy as np

    found: dict[int, tuple[dict[str, Array], dict[str, Array]]] = {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for key in arrays.files:
                side, number, name = key.split("/", 2)
                if side not in ("input", "output") or not 0 <= int(number) < MOST_SAMPLES:
                    raise BadGolden(f"no array of a golden file is called {key[:100]!r}")
                sample = found.setdefault(int(number), ({}, {}))
                sample[side == "output"][name] = arrays[key]
    except BadGolden:
        raise
    except Exception as error:  # a damaged zip raises by many names
        raise BadGolden(f"the golden file cannot be read: {str(error)[:200]}") from None
    if not found or any(not (inputs and outputs) for inputs, outputs in found.values()):
        raise BadGolden("the golden file has no samples, or some without inputs or outputs")
    return [Sample(*found[number]) for number in sorted(found)]


def agrees(
    outputs: "Sequence[Mapping[str, Any]]", samples: Sequence[Sample], min_cosine: float
) -> Agreement:
    """`outputs`: what the model answered to each sample, in their order."""
    if len(outputs) != len(samples):
        told = f"{len(outputs)} answers to {len(samples)} samples"
        return Agreement(len(samples), 0, -1.0, told)
    problems: dict[int, str] = {}
    lowest, together = 1.0, dict[str, list[tuple[Any, Any]]]()
    for number, (answered, sample) in enumerate(zip(outputs, samples, strict=True)):
        for name, expected in sample.expected.items():
            problem = _unlike(name, answered.get(name), expected)
            if problem is None:
                if expected.dtype.kind != "f" or expected.size == 1:
                    together.setdefault(name, []).append((answered[name], expected))
                    continue
                near = cosine(answered[name], expected)
                lowest = min(lowest, near)
                if near >= min_cosine:
                    continue
                problem = f"the output {name!r} has a cosine of {near:.4f} with what is expected"
            problems.setdefault(number, f"sample {number}: {problem}")
    for name, pairs in together.items():
        near, least = _over_all(pairs, min_cosine)
        lowest = min(lowest, near)
        if near < least:
            told = f"the output {name!r} is like what is expected to {near:.4f}, not {least:g}"
            for number in range(len(samples)):
                problems.setdefault(number, f"all samples: {told}")
    first = next((problems[number] for number in sorted(problems)), None)
    return Agreement(len(samples), len(samples) - len(problems), lowest, first)


def cosine(one: "Array", other: "Array") -> float:
    """Σab / √(Σa² Σb²) in float64; 1 where both are zero everywhere, 0 where one is."""
    import numpy as np

    a, b = np.asarray(one, np.float64).ravel(), np.asarray(other, np.float64).ravel()
    a, b = a / (np.abs(a).max(initial=0.0) or 1.0), b / (np.abs(b).max(initial=0.0) or 1.0)
    lengths = float(np.sqrt((a @ a) * (b @ b)))
    if lengths == 0.0:
        return 1.0 if not a.any() and not b.any() else 0.0
    return float(np.clip((a @ b) / lengths, -1.0, 1.0))


def stored(value: "Array", kind: "np.dtype[Any]", scale: float, zero: int) -> "Array":
    """The integers that stand for real numbers; `scale` 0 means that they are not quantized."""
    import numpy as np

    if not scale:
        return np.asarray(value, kind)
    limits = np.iinfo(kind)
    steps = np.round(np.asarray(value, np.float64) / scale) + zero
    return np.clip(steps, limits.min, limits.max).astype(kind)


def real(value: "Array", scale: float, zero: int) -> "Array":
    """The real numbers that quantized integers stand for."""
    import numpy as np

    if not scale:
        return value
    return (np.float32(scale) * (value.astype(np.float32) - zero)).astype(np.float32)


def _unlike(name: str, answered: Any, expected: "Array") -> str | None:
    """Why it cannot be compared at all."""
    import numpy as np

    if answered is None:
        return f"there is no output {name!r}"
    if not isinstance(answered, np.ndarray) or answered.dtype.kind not in _KINDS:
        return f"the output {name!r} is no array of numbers"
    if answered.shape != expected.shape:
        return (
            f"the output {name!r} has the shape {list(answered.shape)}, not {list(expected.shape)}"
        )
    got, wanted = _KINDS[answered.dtype.kind], _KINDS.get(expected.dtype.kind)
    if got != wanted:
        return f"the output {name!r} has {got} numbers, not {wanted} ones"
    if not np.isfinite(answered).all():
        return f"the output {name!r} has NaN or infinity in it"
    return None


def _over_all(pairs: "list[tuple[Array, Array]]", min_cosine: float) -> tuple[float, float]:
    """The similarity over all samples, and the least that is wanted."""
    import numpy as np

    one = np.concatenate([answered.ravel() for answered, _ in pairs])
    other = np.concatenate([expected.ravel() for _, expected in pairs])
    if other.dtype.kind == "f":
        return cosine(one, other), min_cosine
    same = float(np.mean(one == other)) if one.size else 1.0
    return same, LEAST_SAME
