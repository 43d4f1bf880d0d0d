"""Environments of toolchains for tests: made once in a folder that outlives the run."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from infrastructure.engine.child_process import Unwatched
from infrastructure.engine.limits import Limits
from infrastructure.engine.optimizer import SandboxedOptimizer
from infrastructure.engine.sandbox import Sandbox
from infrastructure.toolchains.environments import Environments
from infrastructure.toolchains.install import InstallFailed

FOLDER = Path(__file__).parents[2] / ".edgewise" / "toolchains"
"""Not in a temporary folder: to make one takes minutes. EDGEWISE_TOOLCHAINS names another."""

BEYOND_US = re.compile(
    r"dns error|error sending request|connection|timed out|no space left|network|torch==\S+\+cpu",
    re.IGNORECASE,
)
"""No index has PyTorch without CUDA under that version: docs/toolchains.md says where it is had."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.toolchain)
            item.add_marker(pytest.mark.timeout(1_800))


@pytest.fixture(scope="session")
def environments() -> Environments:
    return Environments(Path(os.environ.get("EDGEWISE_TOOLCHAINS") or FOLDER))


@pytest.fixture(scope="session")
def toolchain(environments: Environments) -> Callable[[str], Path]:
    """Gives the Python of a toolchain, which is installed first; where that is impossible the test
    is skipped with the installer's words. In CI it fails, unless there was no road to a package
    index or no room: a lock file that cannot be had from an index that answers is our fault."""

    def python(name: str) -> Path:
        try:
            return environments.make(name, Unwatched())
        except InstallFailed as error:
            if os.environ.get("CI") and not BEYOND_US.search(str(error)):
                raise
            pytest.skip(f"the toolchain {name} cannot be installed: {error}")

    return python


@pytest.fixture
def optimizer(environments: Environments) -> SandboxedOptimizer:
    limits = Limits(seconds=900.0)
    return SandboxedOptimizer(Sandbox(limits), limits, environments)
