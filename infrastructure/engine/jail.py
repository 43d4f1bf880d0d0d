"""A jail made of namespaces, for machines without bubblewrap.

The process gets a root of its own that holds the system's libraries, this Python and the engine's
packages read-only, the files it may read, and one writable scratch folder; no network, no sight of
other processes. As root it then becomes nobody; otherwise a user namespace makes it nobody inside.

    launcher ── unshare, fork ──► init (pid 1 of the namespace) ── fork ──► worker
Init does nothing but wait, because the kernel hides some signals from a pid 1. Each dies with its
parent, and the whole namespace with init. The worker's end is passed on as 128 + signal.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from infrastructure.engine import linux

NOBODY = 65534
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache")
PACKAGES = ("domain", "application", "infrastructure")
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
CPU_FACTS = "/sys/devices/system/cpu"
ROOT = ".root"


def readable() -> list[Path]:
    """What every engine process needs to read: the system, this Python and our packages, and
    nothing else of the project's folder, where data and keys may lie."""
    project = Path(__file__).resolve().parents[2]
    ours = [project / package for package in PACKAGES]
    pythons = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).parent.parent]
    listed = [Path(one) for one in (*SYSTEM, CPU_FACTS)] + pythons + ours
    kept: list[Path] = []
    for path in listed:
        inside = any(path.is_relative_to(one) for one in kept if not one.is_symlink())
        if path.exists() and path not in kept and not inside:
            kept.append(path)
    return kept


def enter(scratch: Path, reads: Sequence[Path], as_root: bool) -> None:
    """Moves the rest of this program into the jail: the caller goes on as the worker.

    Raises OSError when the kernel or a container's policy does not let it.
    """
    flags = linux.CLONE_NEWNS | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC
    flags |= linux.CLONE_NEWPID | linux.CLONE_NEWNET
    if as_root:
        linux.unshare(flags)
    else:
        _unshare_as_user(flags)
    _become_init()
    _make_root(scratch, reads)
    _fork_worker()
    _become_nobody(as_root)
    linux.die_with_parent()
    os.chdir(scratch)


def _unshare_as_user(flags: int) -> None:
    uid, gid = os.getuid(), os.getgid()
    linux.unshare(flags | linux.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def _become_init() -> None:
    child = os.fork()
    if child:
        _wait_and_follow(child)
    linux.die_with_parent()


def _fork_worker() -> None:
    child = os.fork()
    if child:
        _wait_and_follow(child)


def _wait_and_follow(child: int) -> None:
    """Ends as the child ends. SIGTERM goes to the whole group: only the worker heeds it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _make_root(scratch: Path, reads: Sequence[Path]) -> None:
    """The root is a tmpfs on a folder inside the scratch folder, which hides nothing."""
    os.umask(0o022)
    linux.mount("none", Path("/"), None, linux.MS_REC | linux.MS_PRIVATE)
    root = scratch / ROOT
    root.mkdir(exist_ok=True)
    linux.mount("tmpfs", root, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=0755,size=16m")
    _show(scratch, root, writable=True)
    for path in (*readable(), *map(Path, DEVICES), *reads):
        _show(path, root, writable=False)
    _show_processes(root / "proc")
    os.chroot(root)
    os.chdir("/")


def _show(source: Path, root: Path, writable: bool) -> None:
    target = root / source.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    if source.is_symlink():
        target.symlink_to(os.readlink(source))
        return
    if source.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    linux.bind(source, target, writable)


def _show_processes(target: Path) -> None:
    """ONNX Runtime reads /proc/cpuinfo. A container may forbid a fresh /proc; then a read-only
    view of the old one serves: it shows processes outside, and none of them can be reached."""
    target.mkdir()
    with suppress(OSError):
        linux.mount("proc", target, "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
        return
    linux.bind(Path("/proc"), target, writable=False)


def _become_nobody(as_root: bool) -> None:
    if as_root:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    linux.drop_capabilities()
    linux.no_new_privileges()
    ctypes.set_errno(0)
