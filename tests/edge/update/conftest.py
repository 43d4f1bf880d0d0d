"""A device that trusts a repository of the platform, through a mirror that may be hostile."""

from pathlib import Path

import pytest

from tests.edge.update.repository import Device, Mirror, Signing


@pytest.fixture
def signing() -> Signing:
    """With one target published."""
    made = Signing()
    made.publish()
    return made


@pytest.fixture
def mirror(signing: Signing) -> Mirror:
    return Mirror(signing)


@pytest.fixture
def device(mirror: Mirror, tmp_path: Path) -> Device:
    """It has joined, and read nothing yet."""
    made = Device(tmp_path / "trust", mirror)
    made.trust.install_root(mirror.signing.root)
    return made
