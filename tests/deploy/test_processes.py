"""API ×2, projector ×2 and worker ×2 on real services; any of them may go."""

import os
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.deploy.conftest import Installation, Running
from tests.deploy.two_apis import Behind
from tests.e2e.running import EDGEWISE, Api
from tests.e2e.test_spine import OPTIMIZE, watched
from tests.patience import eventually

pytestmark = pytest.mark.slow  # every process of the compose file


def optimized(api: Behind, watcher: Api, folder: Path, name: str) -> None:
    """From upload to the last word of the subscription."""
    model = api.push_model(folder / "digits.onnx", name)
    data = api.push_dataset(folder / "digits-calibration.npz", name, "CALIBRATION")
    asked = api.change(OPTIMIZE, model=model["id"], calibration=data, evaluation=None, key=name)
    said = watched(watcher, asked["job"]["id"])
    positions = [word["position"] for word in said if word["position"] is not None]
    assert positions == sorted(set(positions))
    assert said[-1]["status"] == "SUCCEEDED", api.job(asked["job"]["id"])

    def variants() -> bool:
        query = "query($id: ID!) { model(id: $id) { artifacts(first: 9) { nodes { variant } } } }"
        return len(api.run(query, id=model["id"])["model"]["artifacts"]["nodes"]) > 3

    assert eventually(variants)


def started(installation: Installation) -> dict[str, list[Running]]:
    """Two of each, ready."""
    installation.migrate()
    parts = {
        service: [installation.start(service) for _ in range(2)]
        for service in ("projector", "worker", "api")
    }
    for service, path in (("projector", "/healthz"), ("worker", "/healthz"), ("api", "/readyz")):
        for one in parts[service]:
            installation.ready(one, path)
    return parts


def test_the_whole_path_on_two_of_each_and_on_the_one_of_each_that_is_left(
    installation: Installation, digits_folder: Path, slow_model: Path
) -> None:
    parts = started(installation)
    apis = [Api(one.url, installation.token) for one in parts["api"]]
    api = Behind([one.url for one in apis], installation.token)
    optimized(api, apis[1], digits_folder, "on two of each")

    # A job runs on one of the workers; both are known by what they offer.
    model = api.push_model(slow_model, "slow")
    job = api.benchmark(model["id"], [model["source"]["id"]], 400)
    eventually(lambda: api.job(job)["status"] == "RUNNING")
    seen = api.run("{ workers { id kinds capabilities silent } }")["workers"]
    assert [worker["kinds"] for worker in seen] == [["benchmark", "optimize"]] * 2
    (claimed,) = (one for one in api.events(job) if one["topic"] == "job.claimed")
    pid = int(claimed["data"]["worker"].split(":")[1])
    holder = next(one for one in parts["worker"] if one.process.pid == pid)

    for one in (holder, parts["projector"][0], parts["api"][0]):
        one.process.kill()
    ended = api.ended(job)
    assert (ended["status"], ended["attempt"]) == ("SUCCEEDED", 2)
    optimized(api, apis[1], digits_folder, "on what is left")


def said_by(api: Api, *command: str) -> str:
    """What the command line prints."""
    where = ["--server", api.url, "--token", api.token]
    done = subprocess.run(
        [EDGEWISE, *command, *where],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    return done.stdout


def test_a_job_that_no_worker_offers_waits_and_says_so_until_one_comes(
    installation: Installation, slow_model: Path
) -> None:
    installation.migrate()
    installation.start("projector")
    api_process = installation.ready(installation.start("api"), "/readyz")
    api = Api(api_process.url, installation.token)
    installation.ready(installation.start("worker", EDGEWISE_WORKER_KINDS="optimize"), "/healthz")
    model = api.push_model(slow_model, "waits")
    job = api.benchmark(model["id"], [model["source"]["id"]], 3)
    asked = "query($id: ID!) { job(id: $id) { status waitingFor } }"
    eventually(
        lambda: (
            api.run(asked, id=job)["job"] == {"status": "QUEUED", "waitingFor": ["kind:benchmark"]}
        )
    )
    assert "No living worker does jobs of the kind" in said_by(api, "job", "show", job)
    assert "optimize" in said_by(api, "workers")
    installation.start("worker", EDGEWISE_WORKER_KINDS="benchmark")
    assert api.ended(job)["status"] == "SUCCEEDED"
    assert api.run(asked, id=job)["job"]["waitingFor"] == []


def test_a_worker_and_a_projector_serve_their_own_metrics(installation: Installation) -> None:
    installation.migrate()
    for service in ("projector", "worker"):
        one = installation.ready(installation.start(service), "/healthz")
        text = httpx.get(f"{one.url}/metrics").text
        assert 'edgewise_pool_connections{pool="system"}' in text
        assert httpx.get(f"{one.url}/other").status_code == 404
