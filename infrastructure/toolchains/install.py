"""Makes one environment from its lock file, by uv where there is one, else by pip.

Nothing but what the lock file pins by hash is installed, and nothing is built from sources except
what the catalog names.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from application.ports.engine import EngineCancelled, Watch
from application.ports.toolchains import InstallFailed
from infrastructure.toolchains.catalog import Toolchain

LOOK_EVERY = 0.5
TOLD_AT_MOST = 600
NEWER_PYTHON = "3.12"
"""What is told to uv, which cannot ignore what a package declares."""


def install(toolchain: Toolchain, home: Path, watch: Watch, held: int) -> None:
    """`held` is the descriptor of a lock that the installer holds too, for as long as it runs, even
    where this process is killed. Raises InstallFailed, EngineCancelled; what was made of `home` is
    removed then."""
    home.parent.mkdir(parents=True, exist_ok=True)

    def run(command: list[str]) -> None:
        _run(command, held, lambda process: _follow(process, home, toolchain, watch))

    try:
        run([sys.executable, "-m", "venv", "--without-pip", str(home)])
        plain, newer = _parts(toolchain)
        run(_command(toolchain, home, plain, newer=False))
        if toolchain.newer_python:
            run(_command(toolchain, home, newer, newer=True))
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise


def _parts(toolchain: Toolchain) -> tuple[str, str]:
    """The pins of the lock file: those to be taken as they declare themselves, and those that
    declare a newer Python. uv can be told another Python, but for all that it installs at once,
    and would then take compiled packages that are for the other one."""
    pins = re.split(r"(?m)^(?=[A-Za-z0-9])", toolchain.lock.read_text())
    newer = [one for one in pins if one.partition("==")[0] in toolchain.newer_python]
    return "".join(one for one in pins if one not in newer), "".join(newer)


def _command(toolchain: Toolchain, home: Path, pins: str, newer: bool) -> list[str]:
    lock = home / f"{'newer' if newer else 'plain'}.lock"
    lock.write_text(pins)
    python = str(home / "bin" / "python")
    options = ["--require-hashes", "--only-binary=:all:"]
    options += [f"--no-binary={one}" for one in toolchain.built]
    options += ["--no-deps"] if toolchain.newer_python else []
    uv = _uv()
    if uv is not None:
        options += ["--python-version", NEWER_PYTHON] if newer else []
        options += ["--no-index"] if _without_index() else []
        options += ["--compile-bytecode"]  # the sandbox cannot write it: each import would compile
        line = [uv, "pip", "install", "--python", python]
    elif find_spec("pip") is not None:
        options += ["--disable-pip-version-check", "--no-input"]
        options += ["--ignore-requires-python"] if newer else []
        line = [sys.executable, "-m", "pip", "--python", python, "install"]
    else:
        raise InstallFailed("there is neither uv nor pip here; install one of them")
    return [*line, *options, "-r", str(lock)]


def _uv() -> str | None:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")


def _run(
    command: list[str], held: int, follow: Callable[["subprocess.Popen[bytes]"], None]
) -> None:
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
            pass_fds=(held,),
        )
        try:
            follow(process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        printed.seek(0)
        told = printed.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise InstallFailed(" ".join(told.split())[-TOLD_AT_MOST:] or "it said nothing")


def _follow(
    process: "subprocess.Popen[bytes]", home: Path, toolchain: Toolchain, watch: Watch
) -> None:
    begun = time.monotonic()
    while not _ended(process):
        if watch.cancelled():
            raise EngineCancelled
        there = len(list(home.glob("lib/python*/site-packages/*.dist-info")))
        seconds = time.monotonic() - begun
        message = f"{there} of about {toolchain.pins} packages, {seconds:,.0f} s"
        watch.tick(min(99.0, 100 * there / max(1, toolchain.pins)), message)


def _ended(process: "subprocess.Popen[bytes]") -> bool:
    try:
        process.wait(LOOK_EVERY)
    except subprocess.TimeoutExpired:
        return False
    return True


def _environment() -> dict[str, str]:
    """Both installers ask the index, and look into the folders, that pip was told to use."""
    variables = dict(os.environ)
    links = variables.get("PIP_FIND_LINKS", "").split()
    found = [one for one in links if "://" in one or Path(one).exists()]
    if found and "UV_FIND_LINKS" not in variables:
        variables["UV_FIND_LINKS"] = ",".join(found)
    if "UV_DEFAULT_INDEX" not in variables:
        index = variables.get("PIP_INDEX_URL") or _configured_index()
        variables |= {"UV_DEFAULT_INDEX": index} if index else {}
    return variables


def _without_index() -> bool:
    return os.environ.get("PIP_NO_INDEX", "").lower() in ("1", "true", "yes", "on")


def _configured_index() -> str | None:
    if find_spec("pip") is None:
        return None
    line = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    told = subprocess.run(line, capture_output=True, text=True, check=False)
    return told.stdout.strip() or None
