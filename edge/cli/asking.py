"""`infer` and `sync`: what is asked of the running agent, over its socket."""

import argparse
import json
import socket
from collections.abc import Mapping
from typing import Any

from edge.agent.frames import BadFrame, framed, framed_json, read_frame, short_name
from edge.cli.printing import say
from edge.home import Home

SECONDS = 600.0


class NotDone(RuntimeError):
    """One line for people."""


def ask(home: Home, asked: Mapping[str, Any], payload: bytes = b"") -> tuple[dict[str, Any], bytes]:
    """Raises NotDone."""
    try:
        with socket.socket(socket.AF_UNIX) as connection, short_name(home.socket) as name:
            connection.settimeout(SECONDS)
            connection.connect(name)
            connection.sendall(framed_json({**asked, "payload": bool(payload)}))
            if payload:
                connection.sendall(framed(payload))
            with connection.makefile("rb") as source:
                answer = json.loads(read_frame(source))
                content = read_frame(source) if answer.get("payload") else b""
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotDone(f"No agent runs in {home.path}. Start it: edgewise-edge run") from None
    except (OSError, BadFrame, ValueError) as error:
        raise NotDone(f"The agent in {home.path} did not answer: {error}") from None
    if "error" in answer:
        raise NotDone(str(answer["error"]))
    return answer, content


def infer(given: argparse.Namespace) -> int:
    try:
        inputs = given.file.read_bytes()
    except OSError as error:
        raise NotDone(f"{given.file} cannot be read: {error.strerror}") from None
    told, outputs = ask(Home.at(given.home), {"do": "infer", "repeat": given.repeat}, inputs)
    if given.output is not None:
        try:
            given.output.write_bytes(outputs)
        except OSError as error:
            raise NotDone(f"{given.output} cannot be written: {error.strerror}") from None
    elif not given.json:
        _show(outputs)
    if given.json:
        say(json.dumps(told))
        return 0
    say(
        f"{told['count']:,} × model {told['model'][:12]}: "
        f"p50 {told['p50_ms']:.3f} ms, p95 {told['p95_ms']:.3f} ms"
    )
    return 0


def _show(outputs: bytes) -> None:
    from edge.agent.requests import unpacked

    for name, array in unpacked(outputs).items():
        values = " ".join(f"{value:.5g}" for value in array.reshape(-1)[:10])
        more = " …" if array.size > 10 else ""
        say(f"{name} {array.dtype} {list(array.shape)}: {values}{more}")


def sync(given: argparse.Namespace) -> int:
    ask(Home.at(given.home), {"do": "sync"})
    say("Asked: what is in the log now is on its way.")
    return 0
