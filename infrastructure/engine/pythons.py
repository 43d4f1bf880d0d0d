"""Which Python does what: this server's own where it has all that is needed, else a toolchain's."""

from collections.abc import Iterable

from application.ports.engine import EngineRefusal, Watch
from domain.declared import Route
from domain.model_format import ModelFormat
from infrastructure.engine.runtime import RUNTIMES
from infrastructure.engine.sandbox import Sandbox
from infrastructure.toolchains.environments import Environments, importable


class Pythons:
    """`sandbox` runs what is done here; `environments` None stands for a server without any."""

    def __init__(self, sandbox: Sandbox, environments: Environments | None = None) -> None:
        self._sandbox, self._environments = sandbox, environments

    def for_route(self, way: Route, watch: Watch) -> Sandbox:
        """Where a pass is carried out, and its file compared with the source. Raises EngineRefusal
        for a toolchain that cannot be had, EngineCancelled."""
        return self._having(*_wanted(way), watch)

    def for_running(self, format: ModelFormat, watch: Watch) -> Sandbox:
        """Where a file of this format is run. Raises as above, and for a format that nothing here
        can run."""
        if format not in RUNTIMES:
            takes = f": it takes {format.hardware}" if format.hardware else ""
            raise EngineRefusal(
                "NO_RUNTIME",
                f"Nothing on this machine can run {format}{takes}.",
                "Benchmark it on a device that it is for.",
                "artifactIds",
            )
        runtime = RUNTIMES[format]
        return self._having({runtime.module}, runtime.toolchain, watch)

    def can(self, way: Route) -> bool:
        """Whether this machine has what the pass and its proof need, or can make it."""
        return self._can_have(*_wanted(way))

    def can_run(self, format: ModelFormat) -> bool:
        """As `can`, for running a file of this format."""
        return self._can_have((RUNTIMES[format].module,), RUNTIMES[format].toolchain)

    def _can_have(self, needs: Iterable[str], toolchain: str) -> bool:
        if all(map(importable, needs)):
            return True
        environments = self._environments
        return bool(toolchain) and environments is not None and environments.can_have(toolchain)

    def _having(self, needs: Iterable[str], toolchain: str, watch: Watch) -> Sandbox:
        if not toolchain or all(map(importable, needs)):
            return self._sandbox
        if self._environments is None:
            raise EngineRefusal(
                "TOOLCHAIN_MISSING",
                f"This server has no toolchains, and “{toolchain}” is needed.",
                "Set EDGEWISE_TOOLCHAINS to a folder for them.",
                "passes",
            )
        return self._sandbox.with_python(str(self._environments.needed(toolchain, watch)))


def _wanted(way: Route) -> tuple[set[str], str]:
    """The modules of the pass and of the runtimes that its proof needs, and the toolchain that has
    them."""
    needs, toolchain = set(way.needs), way.toolchain
    for format in (way.steps[0].format, way.made_by.given):
        if format in RUNTIMES:
            needs.add(RUNTIMES[format].module)
            toolchain = toolchain or RUNTIMES[format].toolchain
    return needs, toolchain
