"""Three devices, as processes of their own: they join, take the model that was chosen, run it on
real inputs, and report.

A demo that ran before leaves devices that will not come back: they are decommissioned first.
"""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from demo.journey import Outcome
from interfaces.cli import show
from interfaces.cli.client import Client
from interfaces.cli.ids import relay_id
from interfaces.cli.plain import milliseconds
from interfaces.cli.queries import device as device_queries
from interfaces.cli.queries import device_claim as claim_queries
from interfaces.cli.refused import CommandRefused

COUNT, RUNS = 3, 200
LABEL = {"name": "fleet", "value": "demo"}
DONE_WITHIN = 300.0
STOPPED_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Report:
    """What one device did: `model` is what it runs, times are those of inference on this machine,
    measured by the agent."""

    name: str
    model: str
    runs: int
    p50_ms: float
    p95_ms: float


@contextmanager
def fleet(client: Client, folder: Path, outcome: Outcome) -> Iterator[list[Report]]:
    """The devices run while it lasts. Raises CommandRefused."""
    _let_go(client)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    inputs = _inputs(outcome.subject.evaluation, folder / "inputs.npz")
    artifact = relay_id("Artifact", str(outcome.found.chosen.artifact_id))
    with ExitStack() as closing:
        homes = [folder / f"device-{number}" for number in range(1, COUNT + 1)]
        for home, code in zip(homes, _codes(client), strict=True):
            _agent(home, "join", code, "--server", client.server.url)
            closing.enter_context(_running(home))
        devices = _online(client)
        for device in devices:
            client.change(device_queries.MODEL_RUN, id=device["id"], artifact=artifact)
        _until(client, lambda device: device["twin"]["inSync"], "runs the model")
        yield [_reported(home, inputs, _status(home)) for home in homes]


def print_fleet(reports: Sequence[Report]) -> None:
    columns = ("Device", "Runs", ">Inferences", ">p50", ">p95", "Evidence")
    rows = [
        (
            show.text(one.name),
            show.text(one.model),
            f"{one.runs:,}",
            milliseconds(one.p50_ms),
            milliseconds(one.p95_ms),
            "measured",
        )
        for one in reports
    ]
    show.line("[bold]fleet[/bold]: three agents joined, took the choice, and ran it")
    show.table(columns, rows)


def _codes(client: Client) -> list[str]:
    issued = client.change(
        claim_queries.ISSUE, count=COUNT, expiresIn=3_600, labels=[LABEL], group=None, profile=None
    )
    return [claim["code"] for claim in issued["claims"]]


def _let_go(client: Client) -> None:
    for device in _devices(client):
        client.change(device_queries.DECOMMISSION, id=device["id"])


def _devices(client: Client) -> list[dict[str, Any]]:
    return list(client.pages(device_queries.LIST, "devices", filter={"labels": ["fleet=demo"]}))


def _online(client: Client) -> list[dict[str, Any]]:
    return _until(client, lambda device: device["online"], "came online")


def _until(client: Client, look: Any, what: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + DONE_WITHIN
    while time.monotonic() < deadline:
        devices = _devices(client)
        if len(devices) == COUNT and all(look(device) for device in devices):
            return devices
        time.sleep(0.2)
    raise CommandRefused("TIMEOUT", f"Not every device {what} within {DONE_WITHIN:.0f} s.")


def _inputs(evaluation: Path, target: Path) -> Path:
    """The first row of what the model was judged on."""
    with np.load(evaluation, allow_pickle=False) as rows:
        np.savez(target, **{name: rows[name][:1] for name in rows.files if name != "labels"})
    return target


def _reported(home: Path, inputs: Path, status: dict[str, Any]) -> Report:
    told = json.loads(_agent(home, "infer", str(inputs), "--repeat", str(RUNS), "--json"))
    return Report(
        status["name"], status["model"]["name"], told["count"], told["p50_ms"], told["p95_ms"]
    )


def _status(home: Path) -> dict[str, Any]:
    status: dict[str, Any] = json.loads(_agent(home, "status", "--json"))
    return status


def _agent(home: Path, *words: str) -> str:
    """One command of the agent's command line. Raises CommandRefused with what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "edge", *words, "--home", str(home)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CommandRefused("DEVICE", done.stderr.strip() or f"{words[0]} failed")
    return done.stdout


@contextmanager
def _running(home: Path) -> Iterator[None]:
    with (home / "output").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "edge", "run", "--home", str(home)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
