"""The few Linux calls that Python does not offer, by ctypes. Each raises OSError when refused."""

import ctypes
import os
import signal
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MS_NOATIME, MS_NODIRATIME, MS_RELATIME = 1024, 2048, 1 << 21

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CAPABILITY_VERSION_3 = 0x20080522
_ST_RELATIME = 4096


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def die_with_parent() -> None:
    """The kernel sends SIGKILL when the thread that started this process ends. Has to be called
    again after every change of uid, which clears it."""
    _checked(_libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "PR_SET_PDEATHSIG")


def no_new_privileges() -> None:
    """No program that is started from here on gains rights by its file's bits."""
    _checked(_libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")


def unshare(flags: int) -> None:
    _checked(_libc().unshare(flags), "unshare")


def mount(source: str | None, target: Path, kind: str | None, flags: int, data: str = "") -> None:
    encoded = [None if one is None else one.encode() for one in (source, str(target), kind, data)]
    _checked(
        _libc().mount(encoded[0], encoded[1], encoded[2], flags, encoded[3]), f"mount {target}"
    )


def bind(source: Path, target: Path, writable: bool) -> None:
    """Shows `source` at `target`, with the mounts inside it when read-only. Flags that the file
    system has already are kept: a user namespace may not lift them."""
    mount(str(source), target, None, MS_BIND | (0 if writable else MS_REC))
    found = os.statvfs(target).f_flag
    flags = found & (MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME) | MS_NOSUID
    flags |= MS_RELATIME if found & _ST_RELATIME else 0
    flags |= 0 if writable else MS_RDONLY
    mount(None, target, None, MS_BIND | MS_REMOUNT | flags)


def drop_capabilities() -> None:
    """Gives up every capability of this process."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _checked(_libc().capset(header, nothing), "capset")
