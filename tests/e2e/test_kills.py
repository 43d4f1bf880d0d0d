"""Any process may be killed at any instant: nothing acknowledged is lost, nothing is done twice."""

import socket
from pathlib import Path

import psutil
import pytest

from infrastructure.embedded.postgres import EmbeddedPostgres
from tests.e2e.conftest import Parts, Up
from tests.e2e.running import Process
from tests.patience import eventually
from tests.services.daemon import free_port
from tests.services.session_folder import kill_tree

pytestmark = pytest.mark.slow  # whole installations, killed again and again

LASTING = 400
"""Runs of the slow model: some seconds, in which the job is seen to run."""


def test_up_survives_kill_and_comes_back_with_everything(up: Up, slow_model: Path) -> None:
    api = up.start()
    model = api.push_model(slow_model, "kept")
    job = api.benchmark(model["id"], [model["source"]["id"]], LASTING)
    eventually(lambda: api.job(job)["status"] == "RUNNING")
    assert up.process is not None
    up.process.kill()
    api = up.start()
    assert api.run("query($id: ID!) { model(id: $id) { name } }", id=model["id"])["model"]
    ended = api.ended(job)
    assert (ended["status"], ended["attempt"]) == ("SUCCEEDED", 2)
    topics = [event["topic"] for event in api.events(job)]
    assert topics.count("job.succeeded") == 1


def test_up_stops_on_ctrl_c_and_gives_its_work_back(up: Up, slow_model: Path) -> None:
    api = up.start()
    model = api.push_model(slow_model, "given back")
    job = api.benchmark(model["id"], [model["source"]["id"]], LASTING)
    eventually(lambda: api.job(job)["status"] == "RUNNING")
    assert up.process is not None
    up.process.interrupt()
    api = up.start()
    assert "job.interrupted" in [event["topic"] for event in api.events(job)]
    assert api.ended(job)["status"] == "SUCCEEDED"


def test_a_killed_workers_job_is_taken_over_and_has_one_result(
    parts: Parts, slow_model: Path
) -> None:
    api = parts.api()
    first = parts.start("worker")
    model = api.push_model(slow_model, "taken over")
    job = api.benchmark(model["id"], [model["source"]["id"]], LASTING)
    eventually(lambda: api.job(job)["status"] == "RUNNING")
    parts.start("worker")
    first.kill()
    eventually(lambda: api.job(job)["attempt"] == 2)
    assert api.ended(job)["status"] == "SUCCEEDED"
    topics = [event["topic"] for event in api.events(job)]
    assert topics.count("job.claimed") == 2
    assert topics.count("job.succeeded") == 1


def test_jobs_outlive_a_killed_redis_that_forgets_every_hint(
    parts: Parts, slow_model: Path
) -> None:
    api = parts.api()
    parts.start("worker")
    model = api.push_model(slow_model, "hints are lost")
    source = model["source"]["id"]
    first = api.benchmark(model["id"], [source], 300)
    eventually(lambda: api.job(first)["status"] == "RUNNING")
    parts.redis.kill()
    second = api.benchmark(model["id"], [source], 3)
    for kept in (parts.redis.folder / "appendonlydir").glob("*"):
        kept.unlink()
    parts.redis.start()
    for job in (first, second):
        assert api.ended(job)["status"] == "SUCCEEDED"
        topics = [event["topic"] for event in api.events(job)]
        assert (topics.count("job.claimed"), topics.count("job.succeeded")) == (1, 1)


def test_a_second_up_on_one_folder_is_refused_and_the_first_goes_on(up: Up) -> None:
    api = up.start()
    second = Process(f"up --port {free_port()}", up.home, {})
    eventually(lambda: not second.running)
    assert "runs on" in second.output
    assert api.run("{ viewer { role } }")["viewer"]["role"] == "OWNER"


def test_a_port_that_is_taken_is_refused_before_anything_starts(up: Up) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = Process(f"up --port {taken.getsockname()[1]}", up.home, {})
        eventually(lambda: not refused.running)
    assert "--port" in refused.output
    assert not (up.home / "postgres").exists()


def test_up_starts_its_postgresql_again_when_that_was_killed(up: Up, slow_model: Path) -> None:
    api = up.start()
    model = api.push_model(slow_model, "still here")
    server = EmbeddedPostgres(up.home / "postgres")
    assert server.pid is not None
    kill_tree(psutil.Process(server.pid))
    eventually(lambda: api.http.get("/readyz").status_code == 200)
    query = "query($id: ID!) { model(id: $id) { name } }"
    assert api.run(query, id=model["id"])["model"] == {"name": "still here"}
    job = api.benchmark(model["id"], [model["source"]["id"]], 3)
    assert api.ended(job)["status"] == "SUCCEEDED"
