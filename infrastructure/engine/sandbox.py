"""Runs engine work in a child process: a model file is untrusted input, and a blocking native call
cannot be interrupted in a thread.

    Sandbox.run ──► ChildProcess ── one line: the order ──► child.main ──► tasks: function(request)
                                 ◄── JSON lines: stages, ticks, the answer ──┘
The child has an empty environment, its scratch folder as the current one, limits, and the
strongest isolation that works here. It dies when we stop it and when we die. What it leaves is not
trusted: links and special files in the scratch folder are removed before anyone here follows them.
"""

import functools
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from application.ports.engine import CrashKind, EngineCrashed, EngineRefusal, Watch
from infrastructure.engine import jail
from infrastructure.engine.child_process import ChildProcess, Unwatched
from infrastructure.engine.isolation import Isolation, command, environment, jail_of, possible
from infrastructure.engine.limits import Limits

DEFAULT_LIMITS = Limits()
PROBE_LIMITS = Limits(seconds=20.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a task returned, how it was kept apart, and the most memory it was seen to hold."""

    result: dict[str, Any]
    isolation: str
    peak_memory_bytes: int


class Sandbox:
    """Blocking, and safe to use from several threads. `python` runs the child; `isolation`
    overrides what is found to work here."""

    def __init__(
        self,
        limits: Limits = DEFAULT_LIMITS,
        python: str = sys.executable,
        isolation: Isolation | None = None,
    ) -> None:
        self._limits, self._python, self._isolation = limits, python, isolation

    def with_python(self, python: str) -> "Sandbox":
        """The same with another Python, whose environment has what the engine's child imports."""
        return Sandbox(self._limits, python, self._isolation)

    @property
    def isolation(self) -> Isolation:
        """The level of every child. Asked for the first time, it may take a second to find out."""
        return self._isolation or _strongest(self._python)

    def waiting(
        self, scratch: Path, reads: Sequence[Path], modules: Sequence[str]
    ) -> ChildProcess | None:
        """A process for a run with the same `scratch` and `reads` that is about to come: it imports
        these modules meanwhile. To be closed by the caller. None where isolation begins with the
        order, and there is nothing to be had from starting early."""
        if self.isolation is not Isolation.BUBBLEWRAP:
            return None
        scratch, reads = scratch.resolve(), [path.resolve() for path in reads]
        line = command(self.isolation, self._python, scratch, reads, modules)
        return _started(line, environment(scratch), scratch)

    def run(
        self,
        task: str,
        request: dict[str, Any],
        scratch: Path,
        watch: Watch | None = None,
        limits: Limits | None = None,
        reads: Sequence[Path] = (),
        child: ChildProcess | None = None,
        writes: bool = True,
    ) -> Answer:
        """Carries out a task of tasks.TASKS.

        `request` is JSON. The child may write in the folder `scratch` alone, which exists and is
        used by one run at a time, and read the files `reads` besides. `child` is one that is
        `waiting` for this. Without `writes` bubblewrap lets it write nowhere. Raises EngineRefusal,
        EngineCancelled, EngineCrashed.
        """
        isolation, scratch = self.isolation, scratch.resolve()
        limits = limits or self._limits
        reads = [path.resolve() for path in reads]
        order = {
            "task": task,
            "request": request,
            "scratch": str(scratch),
            "reads": [str(path) for path in reads],
            "limits": asdict(limits),
            "jail": jail_of(isolation),
            "parent": None if isolation is Isolation.BUBBLEWRAP else os.getpid(),
        }
        closed: dict[Path, int] = {}
        if order["jail"] == "root":
            _hand_over(scratch, jail.NOBODY)
            closed = _let_read(reads)
        try:
            line = command(isolation, self._python, scratch, reads, writes=writes)
            child = child or _started(line, environment(scratch), scratch)
            last = child.answer(json.dumps(order), watch or Unwatched(), limits)
        finally:
            _take_back(scratch)
            for path, mode in closed.items():
                path.chmod(mode)
        told = last.get("peak_memory_bytes")
        peak = max(child.peak_memory_bytes, told if isinstance(told, int) else 0)
        return Answer(_result(last), isolation.value, peak)


def _started(line: list[str], variables: dict[str, str], scratch: Path) -> ChildProcess:
    try:
        return ChildProcess(line, variables, scratch)
    except OSError as error:
        raise EngineCrashed(CrashKind.ERROR, f"it cannot start: {error}", True) from error


def _result(last: dict[str, Any]) -> dict[str, Any]:
    """What comes from the child is not trusted to be well formed."""
    match last:
        case {"result": dict() as result}:
            return result
        case {"refusal": {"code": str(code), "message": str(message), "remedy": str(remedy)}}:
            field = last["refusal"].get("field")
            raise EngineRefusal(code, message, remedy, field if isinstance(field, str) else None)
    raise EngineCrashed(CrashKind.ERROR, "its answer makes no sense", retryable=False)


def _inside(folder: Path) -> Iterator[Path]:
    yield folder
    for parent, folders, files in os.walk(folder, followlinks=False):
        yield from (Path(parent) / name for name in (*folders, *files))


def _hand_over(scratch: Path, uid: int) -> None:
    """A file that has other names elsewhere, such as a link into the blob store, is replaced by a
    copy first, or it would change hands there too."""
    for path in _inside(scratch):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            copy = path.with_name(f".{path.name[:200]}.copy")
            shutil.copyfile(path, copy)
            copy.replace(path)
        os.chown(path, uid, uid, follow_symlinks=False)


def _let_read(files: Sequence[Path]) -> dict[Path, int]:
    """Working copies are made 0600, in folders that only we can enter: what another user may read
    there, they still cannot reach, unless the jail shows it to them. Gives modes to put back."""
    before = {}
    for path in files:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode) and not mode & stat.S_IROTH:
            before[path] = stat.S_IMODE(mode)
            path.chmod(before[path] | stat.S_IROTH)
    return before


def _take_back(scratch: Path) -> None:
    with suppress(OSError):
        (scratch / jail.ROOT).rmdir()  # where the jail's own root was mounted
    for path in _inside(scratch):
        found = path.lstat()
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            path.unlink(missing_ok=True)
        elif found.st_uid != os.geteuid():
            os.chown(path, os.geteuid(), os.getegid(), follow_symlinks=False)


@functools.cache
def _strongest(python: str) -> Isolation:
    for isolation in possible():
        with (
            tempfile.TemporaryDirectory(prefix="edgewise-probe-") as folder,
            suppress(EngineCrashed, OSError),
        ):
            Sandbox(PROBE_LIMITS, python, isolation).run("ping", {}, Path(folder))
            return isolation
    return Isolation.LIMITS
