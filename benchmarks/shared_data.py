"""Real data for measuring, which is no part of the project: `../shared/data`, or the folder that
EDGEWISE_SHARED_DATA names."""

import os
from pathlib import Path


def shared(name: str) -> Path:
    """The file or folder of this name. Raises FileNotFoundError with what to do."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    found = Path(os.environ.get("EDGEWISE_SHARED_DATA", beside)) / name
    if not found.exists():
        raise FileNotFoundError(
            f"{found} is not there. Name the folder that has “{name}” in EDGEWISE_SHARED_DATA."
        )
    return found
