"""The previous release: its tree out of the history, and its processes.

`previous.txt` names its commit. A clone without it (a shallow one, or an archive) skips these
tests; a whole one that lacks it fails them.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.running import Process

ROOT = Path(__file__).parents[2]
NAMED = Path(__file__).with_name("previous.txt")


def commit() -> str:
    return NAMED.read_text().split()[0]


def tree_of_previous(folder: Path) -> Path:
    """The previous release's files, without its tests."""
    if _git("cat-file", "-e", f"{commit()}^{{commit}}").returncode:
        whole = _git("rev-parse", "--is-shallow-repository").stdout.strip() == b"false"
        if whole:
            pytest.fail(f"the history has no commit {commit()}: name another in {NAMED.name}")
        pytest.skip(f"the history at hand does not reach back to {commit()}")
    made = _git("archive", commit())
    assert made.returncode == 0, made.stderr
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "x", "-C", folder], input=made.stdout, check=True)
    return folder


class Previous:
    """Starts commands of the previous release, with the libraries of today."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree

    def start(self, command: str, home: Path, environment: dict[str, str]) -> Process:
        own = {**environment, "PYTHONPATH": str(self.tree)}
        return Process(command, home, own, [sys.executable, "-P", "-m", "interfaces.cli.main"])


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
