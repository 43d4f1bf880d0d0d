"""An agent as a process of its own, driven by its command line."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.cli.asking import NotDone, ask
from edge.home import Home
from tests.patience import PATIENCE, eventually

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "edge"]


class RunningAgent:
    """`home` is its folder; `environment` is added to its own."""

    def __init__(self, home: Path, environment: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None

    def tell(
        self, *arguments: str | Path, given: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs one command of the command line to its end; `given` is its standard input."""
        return subprocess.run(
            [*COMMAND, *map(str, arguments), "--home", str(self.home)],
            input=given, capture_output=True, text=True, timeout=PATIENCE,
            env=self._environment(), cwd=ROOT,
        )  # fmt: skip

    def done(self, *arguments: str | Path, given: str | None = None) -> str:
        """What it printed; it must succeed."""
        result = self.tell(*arguments, given=given)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def join(self, code: str, url: str) -> None:
        self.done("join", code, "--server", url)

    def start(self) -> None:
        assert self._process is None or self._process.poll() is not None
        output = (self.home / "output").open("ab")
        with output:
            self._process = subprocess.Popen(
                [*COMMAND, "run", "--home", str(self.home)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=self._environment(), cwd=ROOT, start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(PATIENCE)

    def status(self) -> dict[str, Any]:
        """Once it answers."""
        return eventually(lambda: self._status())

    def until(self, look: Any) -> dict[str, Any]:
        """Its status, once `look` finds it right."""
        return eventually(lambda: (found := self._status()) and look(found) and found)

    def online(self) -> dict[str, Any]:
        return self.until(lambda status: status["online"] and status["clock"]["sure"])

    def output(self) -> str:
        return (self.home / "output").read_text(errors="replace")

    def _status(self) -> dict[str, Any]:
        try:
            return ask(Home(self.home), {"do": "status"})[0]
        except NotDone:
            return {}

    def _environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(ROOT)} | self.environment
