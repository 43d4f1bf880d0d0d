"""What a job needs and what a worker offers, in words that both share: `kind:optimize`,
`format:onnx`, `pass:onnx-static-int8`, `pass:onnx-openvino-ir-fp16`, `toolchain:openvino`, and
`installs:openvino` of a worker that would make that toolchain.

A worker may take a job when it offers everything that the job needs. A word is stable: it is kept
with waiting jobs and compared across versions of the code. New sorts of words may come (a job that
needs `hardware:nvidia` waits for a worker that has seen one) without a change here.
"""

from collections.abc import Collection, Iterable

from domain.model_format import ModelFormat
from domain.optimization_spec import Pass
from domain.scorer import ScorerName

Words = frozenset[str]


def of_kind(kind: str) -> str:
    return f"kind:{kind}"


def of_format(format: ModelFormat | str) -> str:
    return f"format:{_spelled(format)}"


def of_pass(
    takes: ModelFormat | str, made_by: Pass | str, gives: ModelFormat | str | None = None
) -> str:
    """A pass works on one format: the same idea on another format is another pass, and so is one
    that gives another format."""
    formats = [takes] if gives in (None, takes) else [takes, str(gives)]
    return f"pass:{'-'.join(map(_spelled, formats))}-{_spelled(made_by)}"


def of_toolchain(name: str) -> str:
    return f"toolchain:{name}"


def of_installable(name: str) -> str:
    """Of a worker that makes the toolchain when it is needed."""
    return f"installs:{name}"


ISOLATED = "isolation:bubblewrap"
"""What a user's own code needs: nothing weaker will do."""


def of_scorer(name: ScorerName | str) -> str:
    return f"scorer:{_spelled(name)}"


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
