"""One pass is one module with `apply`: a source file becomes a target file, or a reason why not.

    apply(source, target, spec, data, report) -> str      what was done, in words

`data` are calibration rows, or None. A pass never leaves a silent no-op: where it can do nothing it
raises PassSkipped with what is missing and a remedy. Same inputs give the same bytes: no temporary
name, time or path gets into the file.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # servers know of this contract too, and need no NumPy
    from numpy.typing import NDArray

Feed = dict[str, "NDArray[Any]"]


class PassSkipped(Exception):
    """The pass has nothing to do on this model, or lacks what it needs."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Rows(Protocol):
    """Rows of a dataset, streamed: never more than `batch_rows` in memory."""

    @property
    def rows(self) -> int: ...

    def iterate(self, batch_rows: int, limit: int | None = None) -> Iterator[Feed]: ...

    def labels(self, limit: int | None = None) -> "NDArray[Any] | None": ...


class Progress(Protocol):
    """Who is told how far a stage has come."""

    def tick(self, percent: float, message: str) -> None: ...
