"""What the engine on this machine is able to do, told without importing any of its libraries: the
formats and passes whose modules and libraries are installed, and what kind of machine this is.
"""

import os
import platform
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from application.jobs.capability import Words, of_format, of_pass
from domain.pass_declaration import DECLARATIONS
from infrastructure.engine.onnx.processor import processor, versions
from infrastructure.engine.packages import PACKAGES
from infrastructure.engine.sandbox import Sandbox

_DEVICES = {"nvidia": "/dev/nvidia[0-9]*", "amd-rocm": "/dev/kfd", "render": "/dev/dri/renderD*"}


def abilities() -> Words:
    """The formats and passes installed here, and the accelerators seen."""
    words = {f"hardware:{name}" for name in _hardware()}
    for declared in DECLARATIONS:
        module = f"{PACKAGES[declared.format]}.passes.{declared.made_by.lower()}"
        if all(map(_installed, (*declared.needs, module))):
            words |= {of_format(declared.format), of_pass(declared.format, declared.made_by)}
    return frozenset(words)


def facts() -> dict[str, Any]:
    """What people want to know of the machine. It may take a second to find out."""
    return {
        "isolation": Sandbox().isolation.value,
        "cores": os.cpu_count() or 1,
        "memory_bytes": psutil.virtual_memory().total,
        "architecture": platform.machine(),
        "cpu": processor().name,
        "hardware": _hardware(),
        "versions": versions(),
    }


def _hardware() -> list[str]:
    return [
        name for name, pattern in _DEVICES.items() if any(Path("/").glob(pattern.removeprefix("/")))
    ]


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
