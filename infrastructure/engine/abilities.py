"""What the engine on this machine is able to do, told without importing any of its libraries: the
formats and passes whose modules and libraries are installed, and what kind of machine this is.
"""

import os
import platform
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from application.jobs.capability import (
    ISOLATED,
    Words,
    of_format,
    of_installable,
    of_pass,
    of_scorer,
    of_toolchain,
)
from domain.declared import Route, formats, routes, targets
from domain.scorer import ScorerName
from infrastructure.engine.isolation import bubblewrap_works
from infrastructure.engine.onnx.processor import processor, versions
from infrastructure.engine.packages import module_of
from infrastructure.engine.pythons import Pythons
from infrastructure.engine.runtime import RUNTIMES
from infrastructure.engine.sandbox import Sandbox
from infrastructure.toolchains.environments import Environments, importable

_DEVICES = {"nvidia": "/dev/nvidia[0-9]*", "amd-rocm": "/dev/kfd", "render": "/dev/dri/renderD*"}


class Abilities:
    """What can be done here now: worked out anew whenever a toolchain has come or gone."""

    def __init__(self, environments: Environments) -> None:
        self._environments = environments
        self._installed: frozenset[str] | None = None
        self._words: Words = frozenset()

    def __call__(self) -> Words:
        installed = self._environments.installed()
        if installed != self._installed:
            self._words, self._installed = abilities(self._environments), installed
        return self._words


def abilities(environments: Environments | None = None) -> Words:
    """The formats and passes that can be had here, the scorers, whether a user's own code can be
    run, the toolchains installed and those made on first use, and the accelerators seen. A format
    that nothing runs counts where a pass takes it. It may take a second to find out."""
    words = {f"hardware:{name}" for name in _hardware()} | set(map(of_scorer, ScorerName))
    if bubblewrap_works():
        words.add(ISOLATED)
    pythons = Pythons(Sandbox(), environments)
    for takes in formats():
        for gives in targets(takes):
            able = [way for way in routes(takes, gives) if _written(way) and pythons.can(way)]
            words |= {of_format(takes) for _ in able if takes not in RUNTIMES}
            words |= {of_pass(takes, way.made_by.made_by, gives) for way in able}
    words |= {of_format(format) for format in RUNTIMES if pythons.can_run(format)}
    if environments is not None:
        words |= set(map(of_toolchain, environments.installed()))
        words |= set(map(of_installable, environments.installable()))
    return frozenset(words)


def _written(way: Route) -> bool:
    return all(importable(module_of(step)) for step in way.steps)


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
