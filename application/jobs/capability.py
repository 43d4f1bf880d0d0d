"""What a job needs and what a worker offers, in words that both share: `kind:optimize`,
`format:onnx`, `pass:onnx-static-int8`.

A worker may take a job when it offers everything that the job needs. A word is stable: it is kept
with waiting jobs and compared across versions of the code. New sorts of words may come (a job that
needs `hardware:nvidia` waits for a worker that has seen one) without a change here.
"""

from collections.abc import Collection, Iterable

from domain.model_format import ModelFormat
from domain.optimization_spec import Pass

Words = frozenset[str]


def of_kind(kind: str) -> str:
    return f"kind:{kind}"


def of_format(format: ModelFormat | str) -> str:
    return f"format:{_spelled(format)}"


def of_pass(format: ModelFormat | str, made_by: Pass | str) -> str:
    """A pass works on one format: the same idea on another format is another pass."""
    return f"pass:{_spelled(format)}-{_spelled(made_by)}"


def kinds_in(words: Iterable[str]) -> list[str]:
    """The kinds of job among the words, by name."""
    return sorted(word.removeprefix("kind:") for word in words if word.startswith("kind:"))


def missing(needed: Collection[str], offers: Iterable[Collection[str]]) -> list[str]:
    """What keeps a job from being taken: nothing where one worker offers all of it, else what the
    worker that comes closest lacks."""
    lacking = (sorted(set(needed).difference(offered)) for offered in offers)
    return min(lacking, key=len, default=sorted(needed))


def _spelled(name: str) -> str:
    return str(name).lower().replace("_", "-")
