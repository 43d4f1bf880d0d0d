"""Optimizing through the platform against calling the same functions in one plain process.

Platform: from the sending of `modelOptimize` to a running `edgewise up` until the job is seen to
have SUCCEEDED. That is the wait for a worker, an isolated process for every pass, working copies
and their hashes, the inspection and the storing of each variant, and all events. The upload is
left out on both sides.

Direct: `benchmarks.direct_optimization` from the start of its process to its end. It does the same
passes with the same settings on the same number of threads, and proves each in the same way
(parity on all rows, side-by-side timing), so the ratio is what the platform costs.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import networks
from benchmarks.figure import Better, Figure, Target
from benchmarks.processes import edgewise
from interfaces.cli.client import Client
from interfaces.cli.push import push_dataset, push_model
from interfaces.cli.queries import job as jobs

ROUNDS = 3
LAYERS, CHANNELS, SIDE, ROWS = 24, 64, 32, 384
LOOK_EVERY = 0.05
ENDED_WITHIN = 1_800.0
MADE = {"GRAPH", "FP16", "DYNAMIC_INT8", "STATIC_INT8"}


def measure() -> Iterable[Figure]:
    with edgewise() as installation:
        folder = installation.home.parent
        source = networks.convolutional(folder / "deep.onnx", LAYERS, CHANNELS, SIDE)
        data = networks.images(folder / "rows.npz", ROWS, SIDE)
        installation.up()
        with installation.client() as client:
            model_id = push_model(client, source, "deep", "OTHER", _silent)["model"]["id"]
            dataset = push_dataset(client, data, "rows", "CALIBRATION", _silent)
            order = {"calibrationDatasetId": dataset["id"]}
            through, direct = [], []
            for _ in range(ROUNDS):
                through.append(_through(client, model_id, order))
                direct.append(_direct(source, data))
    ratios = [ours / plain for ours, plain in zip(through, direct, strict=True)]
    yield Figure(
        "optimize_overhead",
        median(through),
        "s",
        baseline=median(direct),
        ratio=median(ratios),
        against="same functions in one process",
        target=Target(gate=1.15, aim=1.05, better=Better.LESS),
        note=f"median of {ROUNDS} pairs, ratios {min(ratios):.2f} to {max(ratios):.2f}; "
        f"{LAYERS} convolutions of {CHANNELS} channels on {SIDE} × {SIDE}, {ROWS} rows",
    )


def _through(client: Client, model_id: str, order: dict[str, Any]) -> float:
    began = time.perf_counter()
    job_id = client.change(jobs.OPTIMIZE, modelId=model_id, input=order)["job"]["id"]
    while True:
        job = client.run("query($id: ID!) { job(id: $id) { status result } }", id=job_id)["job"]
        seconds = time.perf_counter() - began
        match job["status"]:
            case "SUCCEEDED":
                _require_same_work(
                    {one["made_by"]: one["outcome"] for one in job["result"]["outcome"]["variants"]}
                )
                return seconds
            case "FAILED" | "CANCELLED":
                raise RuntimeError(f"the job {job_id} has {job['status']}")
        if seconds > ENDED_WITHIN:
            raise TimeoutError(f"the job {job_id} has not ended")
        time.sleep(LOOK_EVERY)


def _direct(source: Path, data: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.direct_optimization", str(source), str(data)]
    began = time.perf_counter()
    # In a session of its own, as the platform is: the scheduler shares out by sessions.
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, start_new_session=True)
    seconds = time.perf_counter() - began
    _require_same_work(json.loads(ran.stdout))
    return seconds


def _require_same_work(outcomes: dict[str, str]) -> None:
    if {made_by for made_by, outcome in outcomes.items() if outcome == "MADE"} != MADE:
        raise RuntimeError(f"not every pass made its variant: {outcomes}")


def _silent(sent: int, size: int) -> None:
    """Nobody looks at the progress."""
