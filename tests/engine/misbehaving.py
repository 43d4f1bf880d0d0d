"""A child with tasks that do what a malicious or broken model file might make an engine do."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from application.ports.engine import EngineRefusal
from infrastructure.engine import child, tasks
from infrastructure.engine.reporting import Reporter

Request = dict[str, Any]


def main() -> None:
    here = "tests.engine.misbehaving"
    names = [name for name, one in globals().items() if getattr(one, "is_task", False)]
    tasks.TASKS.update({name: f"{here}:{name}" for name in names})
    child.main()


def _task(function: Any) -> Any:
    function.is_task = True
    return function


@_task
def beat(request: Request, _reporter: Reporter) -> Request:
    """Lives until it is killed, and shows that it lives."""
    if request.get("stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        with open("beats", "ab") as file:
            file.write(b".")
        time.sleep(0.05)


@_task
def leave_a_beating_process(_request: Request, _reporter: Reporter) -> Request:
    line = "import time\nwhile True: open('beats', 'ab').write(b'.'); time.sleep(0.05)"
    subprocess.Popen([sys.executable, "-I", "-c", line])
    while not Path("beats").exists():
        time.sleep(0.02)
    return {}


@_task
def hoard(_request: Request, _reporter: Reporter) -> Request:
    """Slowly enough to be seen."""
    held = []
    while True:
        held.append(bytearray(os.urandom(1) * (16 << 20)))
        time.sleep(0.01)


@_task
def grab(request: Request, _reporter: Reporter) -> Request:
    return {"length": len(bytearray(request["bytes"]))}


@_task
def connect(request: Request, _reporter: Reporter) -> Request:
    try:
        socket.create_connection(("127.0.0.1", request["port"]), timeout=60).close()
    except OSError as error:
        return {"refused": str(error)}
    return {"refused": None}


@_task
def try_to_open(request: Request, _reporter: Reporter) -> Request:
    """Which of the paths can be opened so."""
    opened = []
    for path in request["paths"]:
        try:
            with open(path, request["mode"]):
                opened.append(path)
        except OSError:
            continue
    return {"opened": opened}


@_task
def look_around(_request: Request, _reporter: Reporter) -> Request:
    pids = [name for name in os.listdir("/proc") if name.isdigit()]
    status = Path("/proc/self/status").read_text().splitlines()
    facts = dict(line.split(":\t", 1) for line in status if ":\t" in line)
    return {
        "environment": dict(os.environ),
        "processes": len(pids),
        "uid": os.getuid(),
        "capabilities": int(facts["CapEff"], 16),
        "no_new_privileges": facts["NoNewPrivs"],
    }


@_task
def write_much(_request: Request, _reporter: Reporter) -> Request:
    with open("much", "wb") as file:
        for _ in range(64):
            file.write(b"x" * (1 << 20))
    return {}


@_task
def crash(request: Request, _reporter: Reporter) -> Request:
    if request["how"] == "read address zero":
        ctypes.string_at(0)
    os.kill(os.getpid(), getattr(signal, request["how"]))
    time.sleep(60)
    return {}


@_task
def end_quietly(_request: Request, _reporter: Reporter) -> Request:
    os._exit(3)


@_task
def fail(_request: Request, _reporter: Reporter) -> Request:
    raise RuntimeError("the library gave up")


@_task
def refuse(_request: Request, _reporter: Reporter) -> Request:
    raise EngineRefusal("EXTERNAL_DATA", "What was found.", "What to do.", "uploadId")


@_task
def print_much(_request: Request, _reporter: Reporter) -> Request:
    for _ in range(2_000):
        sys.stdout.write('{"result": {"forged": true}}\n')
        os.write(2, b"native noise " * 20 + b"\n")
    return {"true": 1}


@_task
def say(request: Request, reporter: Reporter) -> Request:
    """Writes on the protocol itself, as somebody who has taken over the child could."""
    reporter._answers.write(request["bytes"].encode())
    reporter._answers.flush()
    time.sleep(0.3)
    os._exit(0)


@_task
def work_in_stages(_request: Request, reporter: Reporter) -> Request:
    for name in ("load", "save"):
        with reporter.stage(name):
            reporter.tick(50, "half")
            reporter.tick(51, "too soon")
            reporter.tick(100, "done")
    return {"done": True}


@_task
def leave_links(request: Request, _reporter: Reporter) -> Request:
    Path("made.onnx").symlink_to(request["to"])
    Path("folder").mkdir()
    Path("folder/inner").symlink_to("/")
    os.mkfifo("pipe")
    Path("plain").write_text("kept")
    return {}
