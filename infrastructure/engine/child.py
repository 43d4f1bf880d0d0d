"""The engine's process: carries out one task and ends.

It is started by `sandbox` with an empty environment and nothing but an order, one line of JSON on
standard input:
    {"task", "request", "scratch", "reads", "limits", "jail": "root" | "user" | null, "parent"}
Modules named on its command line are imported while it waits for that.
It answers in lines of JSON on what was its standard output; whatever libraries print goes to
standard error, which is kept as the detail of a failure. The last line is one of
    {"result": …, "peak_memory_bytes": …}  {"refusal": {…}}  {"error": {"kind", "detail"}}
and before it come {"stage", "begun"} and {"percent", "message"}. SIGTERM asks it to stop.
"""

import json
import os
import resource
import signal
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

from infrastructure.engine import jail, limits, linux
from infrastructure.engine.reporting import Reporter, memory_ran_out

STOPPED = 75


class Stop(BaseException):
    """SIGTERM: the work is not wanted any more."""


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for module in sys.argv[1:]:
        import_module(module)
    order = json.loads(sys.stdin.readline())
    try:
        _isolate(order)
    except OSError as error:
        _last(answers, {"error": {"kind": "ISOLATION", "detail": str(error)}})
        sys.exit(1)
    signal.signal(signal.SIGTERM, _stop)
    try:
        answer = _carried_out(order, Reporter(answers))
    except Stop:
        os._exit(STOPPED)
    _last(answers, answer)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stop


def _isolate(order: dict[str, Any]) -> None:
    linux.die_with_parent()
    if order["parent"] is not None and os.getppid() != order["parent"]:
        os._exit(STOPPED)
    if order["jail"] is not None:
        reads = [Path(path) for path in order["reads"]]
        jail.enter(Path(order["scratch"]), reads, as_root=order["jail"] == "root")
    linux.no_new_privileges()
    limits.apply(limits.Limits(**order["limits"]), os.cpu_count() or 1)


def _carried_out(order: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    from application.ports.engine import EngineRefusal
    from application.storage_full import is_storage_full
    from infrastructure.engine.tasks import task_named

    try:
        result = task_named(order["task"])(order["request"], reporter)
    except EngineRefusal as refusal:
        told = {key: getattr(refusal, key) for key in ("code", "message", "remedy", "field")}
        return {"refusal": told}
    except Exception as error:
        kind = "STORAGE" if is_storage_full(error) else "ERROR"
        kind = "MEMORY" if memory_ran_out(error) else kind
        return {"error": {"kind": kind, "detail": f"{type(error).__name__}: {error}"[:4_000]}}
    return {"result": result, "peak_memory_bytes": _peak_memory()}


def _peak_memory() -> int:
    """Bytes. Not ru_maxrss where it can be helped: that survives exec from a large parent."""
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        line = next(line for line in lines if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _last(answers: BinaryIO, answer: dict[str, Any]) -> None:
    """Ends at once: libraries' own clean-up at exit has been seen to hang and to crash."""
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
