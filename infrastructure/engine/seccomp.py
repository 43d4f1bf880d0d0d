"""System calls that a user's own code goes without: the kernel refuses them with EPERM for the rest
of the process, whatever it does (seccomp, man 2 seccomp; Linux on x86-64 and ARM64).

No new process, thread or program, no socket, no signal, no shared memory that outlives its use, no
change of namespaces. What remains is computing, reading what is shown, and answering.
"""

import ctypes
import os
import platform
import struct

_LOAD, _IS, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_SET_SECCOMP, _FILTER, _NO_NEW_PRIVS = 22, 2, 38
_NUMBER_AT, _MACHINE_AT = 0, 4
_X32 = 0x40000000

_COMMON = {
    "clone3": 435, "io_uring_setup": 425, "pidfd_send_signal": 424, "pidfd_open": 434,
}  # fmt: skip
_X86_64 = {
    "clone": 56, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "kill": 62, "tkill": 200,
    "tgkill": 234, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "socket": 41, "socketpair": 53,
    "ptrace": 101, "unshare": 272, "setns": 308, "mount": 165, "bpf": 321, "userfaultfd": 323,
    "perf_event_open": 298, "keyctl": 250, "add_key": 248, "shmget": 29, "msgget": 68, "semget": 64,
    "memfd_create": 319, "personality": 135,
}  # fmt: skip
_ARM64 = {
    "clone": 220, "execve": 221, "execveat": 281, "kill": 129, "tkill": 130, "tgkill": 131,
    "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240, "socket": 198, "socketpair": 199,
    "ptrace": 117, "unshare": 97, "setns": 268, "mount": 40, "bpf": 280, "userfaultfd": 282,
    "perf_event_open": 241, "keyctl": 219, "add_key": 217, "shmget": 194, "msgget": 186,
    "semget": 190, "memfd_create": 279, "personality": 92,
}  # fmt: skip
_MACHINES = {
    "x86_64": (0xC000003E, _X86_64 | _COMMON),
    "aarch64": (0xC00000B7, _ARM64 | _COMMON),
}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def confine() -> None:
    """From here on this process can do none of the above. Raises OSError where the kernel or the
    machine does not know the way."""
    machine = platform.machine()
    if machine not in _MACHINES:
        raise OSError(_ENOSYS, f"no list of system calls for {machine}")
    code, calls = _MACHINES[machine]
    program = _program(code, calls)
    held = ctypes.create_string_buffer(program, len(program))
    given = _Program(len(program) // 8, ctypes.cast(held, ctypes.c_char_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        _SET_SECCOMP, _FILTER, ctypes.byref(given), 0, 0
    ):
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")


def _program(machine: int, calls: dict[str, int]) -> bytes:
    """Classic BPF: another machine's calls kill; a listed number is refused; the rest is allowed.
    glibc asks for clone3 and takes ENOSYS as the sign to try clone."""
    lines = [
        _line(_LOAD, _MACHINE_AT),
        _line(_IS, machine, 1, 0),
        _line(_RETURN, _KILL),
        _line(_LOAD, _NUMBER_AT),
        _line(_AT_LEAST, _X32, 0, 1),
        _line(_RETURN, _REFUSE | _EPERM),
    ]
    for name, number in calls.items():
        error = _ENOSYS if name == "clone3" else _EPERM
        lines += [_line(_IS, number, 0, 1), _line(_RETURN, _REFUSE | error)]
    return b"".join([*lines, _line(_RETURN, _ALLOW)])


def _line(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)
