"""Programs that tests run and do not keep running: Chromium, and bubblewrap where it may work."""

import os
import subprocess
from pathlib import Path

from tests.services.programs import program, unavailable

_JAIL = ("--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "true")


def find_chromium() -> Path:
    """TEST_CHROMIUM, or the browser of this machine."""
    given = os.environ.get("TEST_CHROMIUM")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return Path(given) if given else program(*names, package="chromium")


def find_bubblewrap() -> Path:
    """TEST_BUBBLEWRAP or `bwrap`; a kernel or container may still forbid it to make namespaces."""
    given = os.environ.get("TEST_BUBBLEWRAP")
    found = Path(given) if given else program("bwrap", package="bubblewrap")
    done = subprocess.run([found, *_JAIL], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        unavailable(f"bubblewrap does not work here: {done.stderr.strip()}")
    return found
