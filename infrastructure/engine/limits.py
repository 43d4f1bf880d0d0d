"""What one engine process may use. All of it is enforced: some by the kernel, some by the parent.

Memory is held twice. The parent adds up the resident size of the process and all its descendants
several times a second and kills at `memory_bytes`. RLIMIT_DATA (private writable memory) stops one
sudden huge allocation between two looks. RLIMIT_AS is far above both: ONNX Runtime maps the model
file and reserves stacks, which address space counts and memory does not.
"""

import resource
from dataclasses import dataclass

GIB = 2**30
SLACK_BYTES = GIB // 2
ADDRESS_SPACE_SLACK_BYTES = 16 * GIB


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds` of wall-clock time, bytes of resident memory, the largest file that may be
    written, and the most files that may be open."""

    seconds: float = 1_800.0
    memory_bytes: int = 4 * GIB
    file_bytes: int = 12 * GIB
    open_files: int = 256


def apply(limits: Limits, cores: int) -> None:
    """Limits the calling process for good. CPU time is wall-clock time × cores, the parent's
    own timeout having come first."""
    cpu_seconds = int(limits.seconds * cores) + 5
    data = limits.memory_bytes + SLACK_BYTES
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_DATA, data),
        (resource.RLIMIT_AS, limits.memory_bytes + ADDRESS_SPACE_SLACK_BYTES),
    ):
        _lower(kind, value)


def _lower(kind: int, value: int) -> None:
    """Never above the hard limit that is there already."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))
