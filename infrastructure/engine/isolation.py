"""How far a child can be kept apart on this machine, and the command line that does it.

- bubblewrap: nothing but the system's libraries, this Python, our packages and the files given,
  all read-only; one writable folder; no network; processes of its own.
- uid+netns: the same without bubblewrap, by namespaces that the child enters itself (see jail).
- limits: time, memory and file sizes only. A malicious model file can then do what we can.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from infrastructure.engine import jail

CHILD = "infrastructure.engine.child"
ROOT = Path(__file__).resolve().parents[2]


class Isolation(StrEnum):
    BUBBLEWRAP = "bubblewrap"
    UID_NETNS = "uid+netns"
    LIMITS = "limits"


def possible() -> list[Isolation]:
    """The ways worth trying here, strongest first; `limits` is always last."""
    found = [Isolation.LIMITS]
    if sys.platform == "linux":
        found.insert(0, Isolation.UID_NETNS)
        if shutil.which("bwrap"):
            found.insert(0, Isolation.BUBBLEWRAP)
    return found


def bubblewrap_works() -> bool:
    """Whether it is here and the kernel lets it, told by a program that does nothing: quick, where
    a child of the engine's would first have to start its Python."""
    if not shutil.which("bwrap"):
        return False
    with tempfile.TemporaryDirectory(prefix="edgewise-probe-") as folder:
        line = [*_bubblewrap(sys.executable, Path(folder), (), True), "--", "/bin/true"]
        try:
            done = subprocess.run(line, env={}, capture_output=True, timeout=20.0, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
    return done.returncode == 0


def jail_of(isolation: Isolation) -> str | None:
    """What the child is told to do itself."""
    if isolation is not Isolation.UID_NETNS:
        return None
    return "root" if os.geteuid() == 0 else "user"


def command(
    isolation: Isolation,
    python: str,
    scratch: Path,
    reads: Sequence[Path],
    modules: Sequence[str] = (),
    writes: bool = True,
) -> list[str]:
    """The child may write in `scratch` alone, and under bubblewrap not even there unless `writes`.

    No user site, nothing from the current folder. Not `-I`, which would leave PYTHONHASHSEED
    out; there are no other variables of Python's in the environment. Another environment's own
    packages come before ours: beside our code there may be this server's."""
    first = "insert(0, " if python == sys.executable else "append("
    code = f"import sys; sys.path.{first}{str(ROOT)!r}); from {CHILD} import main; main()"
    child = [python, "-P", "-s", "-B", "-c", code, *modules]
    if isolation is Isolation.BUBBLEWRAP:
        return [*_bubblewrap(python, scratch, reads, writes), "--", *child]
    return child


def environment(scratch: Path) -> dict[str, str]:
    """Nothing of ours. Threads of sessions are set by the tasks; the pools that libraries start by
    themselves are kept small."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "ORT_DISABLE_TELEMETRY": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",  # errors only
        "CUDA_VISIBLE_DEVICES": "-1",
        "KERAS_BACKEND": "tensorflow",
        "PYTHONHASHSEED": "0",  # the order of sets: the same input gives the same bytes
    }


def _bubblewrap(python: str, scratch: Path, reads: Sequence[Path], writes: bool) -> list[str]:
    line = [shutil.which("bwrap") or "bwrap", "--unshare-all", "--unshare-user"]
    line += ["--uid", str(jail.NOBODY), "--gid", str(jail.NOBODY), "--cap-drop", "ALL"]
    line += ["--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    other = [Path(python).parent.parent, Path(python).resolve().parent.parent]
    for path in dict.fromkeys([*jail.readable(), *other, *reads]):
        if path.is_symlink() and path in map(Path, jail.SYSTEM):
            line += ["--symlink", os.readlink(path), str(path)]
        elif path.exists():
            line += ["--ro-bind", str(path.resolve()), str(path)]
    shown = "--bind" if writes else "--ro-bind"
    line += [shown, str(scratch), str(scratch), "--chdir", str(scratch)]
    return [*line, "--remount-ro", "/"]
