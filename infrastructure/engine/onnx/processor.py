"""Which processor this is, and which of its instructions matter to inference.

Read from /proc/cpuinfo where there is one (x86 lists `flags`, ARM `Features`), else told by
py-cpuinfo. AVX-512 VNNI, AVX-VNNI, AMX and ARM's dotprod multiply 8-bit integers without
intermediate saturation; x86 without them adds pairs of products in 16 bits, which saturate unless
weights keep to 7 bits.
"""

import os
import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from domain.benchmark import Machine

OF_INTEREST = (
    "sse4_2", "avx", "avx2", "f16c", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx_vnni",
    "avx512_bf16", "avx512_fp16", "amx_int8", "amx_bf16", "amx_tile",
    "neon", "asimd", "asimddp", "asimdhp", "fphp", "i8mm", "bf16", "sve", "sve2",
)  # fmt: skip
INT8 = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")
LIBRARIES = (
    "onnx", "onnxruntime", "onnxslim", "onnxconverter-common", "ai-edge-litert", "litert-quantizer",
    "numpy", "onnx-ir", "ml-dtypes",
)  # fmt: skip
X86 = ("x86_64", "amd64", "i686")


@dataclass(frozen=True)
class Processor:
    name: str
    instruction_sets: tuple[str, ...]

    @property
    def int8(self) -> tuple[str, ...]:
        """Those that multiply 8-bit integers without saturating in between."""
        return tuple(one for one in self.instruction_sets if one in INT8)


@cache
def processor() -> Processor:
    """Of this machine; read once."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _by_library()
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip(), value.strip())
    flags = set(found.get("flags", found.get("Features", "")).split())
    name = found.get("model name") or found.get("Model") or platform.processor()
    return Processor(name or platform.machine(), _kept(flags))


def machine(load_before: float | None) -> Machine:
    """The facts that a figure is true of; the load after is read now."""
    found = processor()
    return Machine(
        cpu=found.name,
        architecture=platform.machine(),
        cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        instruction_sets=found.instruction_sets,
        os=platform.platform(terse=True),
        versions=versions(),
        load_before=load_before,
        load_after=load_average(),
    )


def load_average() -> float | None:
    """Over one minute, machine-wide; None where the system does not tell."""
    try:
        return round(os.getloadavg()[0], 2)
    except (OSError, AttributeError):
        return None


def versions() -> dict[str, str]:
    """Of Python and of the libraries that do the work."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def saturates_8_bits() -> bool:
    """Whether ONNX Runtime's INT8 kernels can saturate here, so that weights need 7 bits."""
    return platform.machine().lower() in X86 and not processor().int8


def _by_library() -> Processor:
    import cpuinfo  # takes a second: it measures the clock

    told = cpuinfo.get_cpu_info()
    name = told.get("brand_raw") or platform.processor() or platform.machine()
    return Processor(name, _kept(set(told.get("flags", ()))))


def _kept(flags: set[str]) -> tuple[str, ...]:
    return tuple(one for one in OF_INTEREST if one in flags)
