"""What the engine's tests share: one sandbox, and a watch that remembers."""

import pytest

from infrastructure.engine.sandbox import Sandbox
from tests.engine.watching import Remembering


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def watch() -> Remembering:
    return Remembering()
