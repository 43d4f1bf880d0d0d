"""One child process from its start to its certain end, and what its lines mean to the watch."""

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from application.ports.engine import CrashKind, EngineCancelled, EngineCrashed, Watch
from infrastructure.engine.limits import Limits
from infrastructure.engine.reporting import memory_ran_out
from infrastructure.engine.resident import resident_bytes

LOOK_EVERY = 0.1
GRACE_SECONDS = 2.0
LONGEST_LINE_BYTES = 64 * 2**20
KEPT_OF_STDERR_BYTES = 8_192
READ_BYTES = 1 << 16


class Unwatched:
    """A watch for work that nobody looks at."""

    def stage_started(self, name: str) -> None: ...

    def stage_finished(self, name: str) -> None: ...

    def tick(self, percent: float, message: str) -> None: ...

    def cancelled(self) -> bool:
        return False


class ChildProcess:
    """Started on construction, in a process group of its own."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
        self._line, self._errors = bytearray(), bytearray()
        self._last: dict[str, Any] | None = None
        self.peak_memory_bytes = 0

    def answer(self, order: str, watch: Watch, limits: Limits) -> dict[str, Any]:
        """The child's last line, a result or a refusal. Raises EngineCancelled, EngineCrashed."""
        try:
            self._give(order)
            self._follow(watch, limits)
        finally:
            self._kill()
        if self._last is None or "error" in self._last:
            raise self._crash()
        return self._last

    def _give(self, order: str) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(order.encode() + b"\n")

    def _follow(self, watch: Watch, limits: Limits) -> None:
        """Reads until both pipes end: then every process that held them is gone."""
        deadline = time.monotonic() + limits.seconds
        process = self._process
        assert process.stdout is not None
        assert process.stderr is not None
        with selectors.DefaultSelector() as pipes:
            pipes.register(process.stdout, selectors.EVENT_READ, self._take_lines)
            pipes.register(process.stderr, selectors.EVENT_READ, self._take_errors)
            looked = 0.0
            while pipes.get_map() and self._last is None:
                for key, _ in pipes.select(LOOK_EVERY):
                    data = os.read(key.fd, READ_BYTES)
                    if not data:
                        pipes.unregister(key.fileobj)
                    key.data(data, watch)
                if time.monotonic() - looked >= LOOK_EVERY:
                    self._look(watch, limits, deadline)
                    looked = time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)

    def _look(self, watch: Watch, limits: Limits, deadline: float) -> None:
        if watch.cancelled():
            self._stop_gently()
            raise EngineCancelled
        if time.monotonic() > deadline:
            told = f"it ran longer than {limits.seconds:,.0f} s and was stopped"
            raise EngineCrashed(CrashKind.TIMEOUT, told, retryable=False)
        used = resident_bytes(self._process.pid)
        self.peak_memory_bytes = max(self.peak_memory_bytes, used)
        if used > limits.memory_bytes:
            told = f"it used {used:,} bytes of memory; {limits.memory_bytes:,} are allowed"
            raise EngineCrashed(CrashKind.MEMORY, told, retryable=False)

    def _take_lines(self, data: bytes, watch: Watch) -> None:
        self._line += data
        while self._last is None and (end := self._line.find(b"\n")) >= 0:
            line = bytes(self._line[:end])
            del self._line[: end + 1]
            self._take(line, watch)
        if len(self._line) > LONGEST_LINE_BYTES:
            raise EngineCrashed(CrashKind.ERROR, "it answered without end", retryable=False)

    def _take(self, line: bytes, watch: Watch) -> None:
        """What comes from the child is not trusted to be well formed."""
        try:
            said = json.loads(line)
            if "stage" in said:
                begun = watch.stage_started if said["begun"] else watch.stage_finished
                begun(str(said["stage"])[:100])
            elif "percent" in said:
                watch.tick(float(said["percent"]), str(said["message"])[:500])
            else:
                self._last = dict(said)
        except (ValueError, TypeError, KeyError) as error:
            detail = f"its answer makes no sense: {error}"
            raise EngineCrashed(CrashKind.ERROR, detail, retryable=False) from error

    def _take_errors(self, data: bytes, _watch: Watch) -> None:
        self._errors += data
        del self._errors[:-KEPT_OF_STDERR_BYTES]

    def _stop_gently(self) -> None:
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS)

    def close(self) -> None:
        """Ends it, if it has not ended; whoever waits for an order never gets one."""
        if self._process.returncode is None:
            self._kill()

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        """To the whole group, which is there until its leader has been waited for."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _crash(self) -> EngineCrashed:
        tail = self._errors.decode(errors="replace").strip()
        if self._last is not None:
            error = self._last["error"]
            told = error["kind"]
            kind = CrashKind(told) if told in ("MEMORY", "STORAGE") else CrashKind.ERROR
            full = kind is CrashKind.STORAGE
            return EngineCrashed(kind, str(error["detail"]), retryable=full)
        number = _signal_of(self._process.returncode)
        if memory_ran_out(RuntimeError(tail)):
            return EngineCrashed(CrashKind.MEMORY, "an allocation was refused", retryable=False)
        if number is signal.SIGKILL:
            told = "something outside killed it, the system out of memory perhaps"
            return EngineCrashed(CrashKind.KILLED, told, retryable=True)
        if number is signal.SIGXCPU:
            return EngineCrashed(CrashKind.TIMEOUT, "its CPU time was used up", retryable=False)
        how = f"by {number.name}" if number else f"with exit code {self._process.returncode}"
        return EngineCrashed(CrashKind.ERROR, f"it ended {how}: {tail[-2_000:]}", retryable=False)


def _signal_of(code: int) -> signal.Signals | None:
    """A shell, a jail and bubblewrap tell a signal as 128 + its number."""
    number = -code if code < 0 else code - 128
    with suppress(ValueError):
        return signal.Signals(number)
    return None
