"""What DIAGNOSE may ask, a fixed list, from the standard library and /proc alone."""

import os
import platform
import shutil
import socket
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edge.version import VERSION

ARCHITECTURES = {
    "x86_64": "X86_64", "amd64": "X86_64", "aarch64": "AARCH64", "arm64": "AARCH64",
    "armv7l": "ARMV7",
}  # fmt: skip
"""What the machine says of itself, and the platform's names."""
RUNTIMES = {"onnxruntime": "onnxruntime", "ai_edge_litert": "ai-edge-litert"}


def facts() -> dict[str, Any]:
    """What a birth tells of the device; short, and nothing private beside the host's name."""
    return {
        "agent": VERSION,
        "host": socket.gethostname(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "architecture": architecture(platform.machine()),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "memory_bytes": memory().get("total_bytes"),
        "runtimes": runtimes(),
        "utc_offset_minutes": utc_offset_minutes(),
    }


def architecture(machine: str) -> str:
    return ARCHITECTURES.get(machine.lower(), machine.upper())


def utc_offset_minutes() -> int:
    """That local time is ahead of UTC just now."""
    return time.localtime().tm_gmtoff // 60


def runtimes() -> dict[str, str | None]:
    """Installed version by package, or None; imports none of them."""
    return {
        name: _version(package) if find_spec(name) else None for name, package in RUNTIMES.items()
    }


def system(started: float) -> dict[str, Any]:
    """`started`: the monotonic time of the agent's start."""
    return {
        **facts(),
        "load": list(os.getloadavg()),
        "memory": memory(),
        "agent_rss_bytes": rss(),
        "agent_seconds": round(time.monotonic() - started, 1),
        "temperature_celsius": temperature(),
        "executable": sys.executable,
    }


def disk(home: Path) -> dict[str, Any]:
    """Of the file system that holds the home."""
    usage = shutil.disk_usage(home)
    files = {
        str(file.relative_to(home)): file.stat().st_size
        for file in sorted(home.rglob("*"))[:200]
        if file.is_file() and not file.is_symlink()
    }
    return {"total_bytes": usage.total, "free_bytes": usage.free, "files": files}


def network() -> dict[str, Any]:
    """Interfaces with what they carried, from /proc/net/dev."""
    interfaces: dict[str, Any] = {}
    for line in _lines("/proc/net/dev")[2:]:
        name, _, numbers = line.partition(":")
        columns = numbers.split()
        if len(columns) >= 16:
            interfaces[name.strip()] = {
                "received_bytes": int(columns[0]),
                "sent_bytes": int(columns[8]),
                "errors": int(columns[2]) + int(columns[10]),
            }
    return {"host": socket.gethostname(), "interfaces": interfaces}


def memory() -> dict[str, int]:
    """Of the machine; empty where there is no /proc."""
    found = {}
    for line in _lines("/proc/meminfo"):
        name, _, rest = line.partition(":")
        if name in ("MemTotal", "MemAvailable"):
            key = "total_bytes" if name == "MemTotal" else "available_bytes"
            found[key] = int(rest.split()[0]) * 1024
    return found


def rss() -> int | None:
    """Bytes of memory that the agent holds; None where there is no /proc."""
    for line in _lines("/proc/self/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return None


def temperature() -> float | None:
    lines = _lines("/sys/class/thermal/thermal_zone0/temp")
    return int(lines[0]) / 1000 if lines else None


def sample(home: Path) -> Mapping[str, Any]:
    """One sample of the machine for `telemetry/sys`."""
    return {
        "load1": os.getloadavg()[0],
        "memory_available_bytes": memory().get("available_bytes"),
        "disk_free_bytes": shutil.disk_usage(home).free,
        "agent_rss_bytes": rss(),
        "temperature_celsius": temperature(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return []
