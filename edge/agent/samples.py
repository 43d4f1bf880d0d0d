"""The samples module: load, memory and disk of the machine, now and then, on telemetry/sys."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.commands.diagnostics import sample
from edge.config.configuration import Configuration
from edge.config.every import every

Tell = Callable[[str, dict[str, Any]], None]


class Samples:
    def __init__(self, home: Path, configuration: Configuration, tell: Tell) -> None:
        self._home, self._configuration, self._tell = home, configuration, tell

    async def run(self) -> None:
        async for _ in every(self._configuration, "telemetry.sys_seconds"):
            self._tell("sample", dict(sample(self._home)))
