"""From `job.requested` to `job.claimed`, both by the database's clock, on an idle platform.

Jobs are asked for by GraphQL one after the other, each after the one before has ended and the
platform has come to rest. A job is a benchmark of one tiny model.
"""

import shutil
import subprocess
import time
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from benchmarks import networks
from benchmarks.figure import Better, Figure, Target
from benchmarks.processes import Edgewise, edgewise, free_port
from domain.benchmark import percentile
from infrastructure.embedded.postgres import EmbeddedPostgres
from interfaces.cli.client import Client
from interfaces.cli.push import push_model
from interfaces.cli.queries import job as jobs

JOBS = 50
REST = 0.3
ENDED_WITHIN = 120.0

EVENTS = "query($of: ID) { events(first: 10, of: $of) { nodes { topic recordedAt } } }"


def measure() -> Iterable[Figure]:
    with edgewise() as installation:
        installation.up()
        seconds = _seconds(installation)
    apart = _as_processes()
    yield Figure(
        "accepted_to_running",
        percentile(seconds, 95),
        "s",
        target=Target(gate=1.0, aim=0.2, better=Better.LESS),
        note=f"p95 of {JOBS} jobs on the embedded default; {_told(seconds)}. {apart}",
    )


def _told(seconds: list[float]) -> str:
    return f"p50 {percentile(seconds, 50):.3f} s, most {max(seconds):.3f} s"


def _as_processes() -> str:
    """The same on API, projector and worker processes with Redis, where there is a Redis."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        return "No Redis here to measure separate processes with."
    with ExitStack() as closing:
        port = free_port()
        redis_url = f"redis://127.0.0.1:{port}/0"
        installation = closing.enter_context(edgewise(REDIS_URL=redis_url))
        redis = subprocess.Popen(
            [program, "--port", str(port), "--save", "", "--dir", str(installation.home)],
            stdout=subprocess.DEVNULL,
        )
        closing.callback(redis.wait)
        closing.callback(redis.terminate)
        postgres = EmbeddedPostgres(installation.home / "postgres")
        closing.callback(postgres.stop)
        installation.environment = {"REDIS_URL": redis_url, "DATABASE_URL": postgres.start()}
        installation.start("migrate").wait()
        closing.callback(installation.stop)
        for command in ("projector", "worker", f"api --port {installation.port}"):
            process = installation.start(command)
        installation.await_ready(process)
        seconds = _seconds(installation)
    return f"Separate processes on Redis: p95 {percentile(seconds, 95):.3f} s, {_told(seconds)}."


def _seconds(installation: Edgewise) -> list[float]:
    with installation.client() as client:
        model_file = networks.tiny(installation.home / "tiny.onnx")
        pushed = push_model(client, model_file, "tiny", "OTHER", lambda *_: None)
        model_id, artifact_id = pushed["model"]["id"], pushed["artifact"]["id"]
        order = {"artifactIds": [artifact_id], "runs": 1, "warmup": 0}
        waited = []
        for number in range(JOBS + 1):
            asked = client.change(jobs.BENCHMARK, modelId=model_id, input=order)
            job_id = asked["job"]["id"]
            _await_end(client, job_id)
            if number:  # the first one also finds out how to isolate
                waited.append(_wait_of(client, job_id))
            time.sleep(REST)
        return waited


def _await_end(client: Client, job_id: str) -> None:
    until = time.monotonic() + ENDED_WITHIN
    while time.monotonic() < until:
        status = client.run("query($id: ID!) { job(id: $id) { status } }", id=job_id)
        match status["job"]["status"]:
            case "SUCCEEDED":
                return
            case "FAILED" | "CANCELLED" as wrong:
                raise RuntimeError(f"the job {job_id} has {wrong}")
        time.sleep(0.1)
    raise TimeoutError(f"the job {job_id} has not ended")


def _wait_of(client: Client, job_id: str) -> float:
    nodes: list[dict[str, Any]] = client.run(EVENTS, of=job_id)["events"]["nodes"]
    at = {node["topic"]: datetime.fromisoformat(node["recordedAt"]) for node in nodes}
    return (at["job.claimed"] - at["job.requested"]).total_seconds()
