"""The folder that holds the data of all servers of one test process, and the watchdog that kills
them and removes it when that process is gone, even by `kill -9`.

The watchdog waits for the end of a pipe that only the test process holds, which needs no Linux. It
knows what to kill from the files `*/pid` (pid and start time, so that a pid given again to another
process is left alone) and from PostgreSQL's own `*/data/postmaster.pid`.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import psutil

GONE_WITHIN = 60.0


@cache
def session_folder() -> Path:
    """Directly under the temporary folder: pytest's own are closed to the user of PostgreSQL."""
    root = Path(tempfile.mkdtemp(prefix="edgewise-test-"))
    root.chmod(0o711)
    watchdog = subprocess.Popen(
        [sys.executable, __file__, root],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    atexit.register(watchdog.communicate)
    return root


def new_folder(kind: str) -> Path:
    """An empty folder for the data of one server."""
    folder = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=session_folder()))
    folder.chmod(0o711)
    return folder


def remember(folder: Path, pid: int) -> None:
    """Lets the watchdog know that a process belongs to this folder."""
    (folder / "pid").write_text(f"{pid} {psutil.Process(pid).create_time()}")


def kill_tree(process: psutil.Process) -> None:
    """SIGKILL for a process and all below it; returns when they are gone."""
    try:
        process.suspend()  # so that it starts no more children
        doomed = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for each in doomed:
        try:
            each.kill()
        except psutil.NoSuchProcess:
            pass
    deadline = time.monotonic() + GONE_WITHIN
    while not all(is_gone(each) for each in doomed) and time.monotonic() < deadline:
        time.sleep(0.01)


def is_gone(process: psutil.Process) -> bool:
    """A process that nobody has reaped yet is gone too."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _clear(root: Path) -> None:
    for file in root.glob("*/pid"):
        pid, _, started = file.read_text().partition(" ")
        _kill_if(int(pid), lambda process, at=float(started): process.create_time() == at)
    for file in root.glob("*/data/postmaster.pid"):
        pid = file.read_text().split("\n", 1)[0]
        _kill_if(int(pid), lambda process: "postgres" in process.name())
    shutil.rmtree(root, ignore_errors=True)


def _kill_if(pid: int, is_ours: Callable[[psutil.Process], bool]) -> None:
    try:
        process = psutil.Process(pid)
        if is_ours(process):
            kill_tree(process)
    except (psutil.NoSuchProcess, ValueError):
        pass


if __name__ == "__main__":
    while os.read(0, 1024):
        pass
    _clear(Path(sys.argv[1]))
