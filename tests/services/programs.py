"""Finds a program: beside Python (wheels), on the PATH, or installed by apt-get where we are root
on Debian. One test process installs at a time.

What cannot be had skips a test on a laptop and fails it where CI is set.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

APT_SECONDS = 600
_PLACES = (str(Path(sys.executable).parent), os.defpath, "/usr/local/sbin", "/usr/sbin", "/sbin")


def program(*names: str, package: str | None = None) -> Path:
    """The first of these programs there is. Skips or fails the test when there is none."""
    found = _find(names)
    if found is None and package is not None and _can_install():
        with _one_at_a_time():
            found = _find(names)
            problem = _install(package) if found is None else ""
            found = found or _find(names)
            if found is None:
                unavailable(f"{names[0]} is missing and apt-get could not install it: {problem}")
    if found is None:
        remedy = f": install the package {package}" if package else ""
        unavailable(f"{names[0]} is missing{remedy}")
    return found


def unavailable(reason: str) -> NoReturn:
    """Ends the test for want of a service."""
    if os.environ.get("CI", "false").lower() not in ("", "0", "false"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _find(names: tuple[str, ...]) -> Path | None:
    path = os.pathsep.join((_PLACES[0], os.environ.get("PATH", ""), *_PLACES[1:]))
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return Path(found)
    return None


def _can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install(package: str) -> str:
    """Installs without starting the service that comes with a package; returns what went wrong."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["install", "-y", "--no-install-recommends", package]
    done = None
    for arguments in (install, ["update"], install):
        done = subprocess.run(
            ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *arguments],
            env=os.environ | quiet,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=APT_SECONDS,
        )
        if arguments is install and done.returncode == 0:
            return ""
    return done.stdout[-500:] if done else ""


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / f"edgewise-apt-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
