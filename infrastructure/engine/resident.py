"""How much memory a process and its descendants hold now.

Asked ten times a second beside the work that is measured, so it must cost nothing: /proc knows
each thread's children (0.03 ms). Looking through all processes of the machine for them takes 4 ms
where there are 300, which is 4 % of a core.
"""

import os
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

PAGE = os.sysconf("SC_PAGE_SIZE")
KERNEL_KNOWS_CHILDREN = Path("/proc/self/task", str(os.getpid()), "children").exists()


def resident_bytes(pid: int) -> int:
    """0 when it is gone."""
    return _by_proc(pid) if KERNEL_KNOWS_CHILDREN else _by_psutil(pid)


def _by_proc(pid: int) -> int:
    total = 0
    # A process that ends meanwhile has no files, or files that cannot be read.
    with suppress(OSError, IndexError):
        total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        for task in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                children = Path(f"/proc/{pid}/task/{task}/children").read_text()
                total += sum(_by_proc(int(child)) for child in children.split())
    return total


def _by_psutil(pid: int) -> int:
    total = 0
    with suppress(psutil.Error):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.Error):
                total += process.memory_info().rss
    return total
