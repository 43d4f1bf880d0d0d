"""One trace holds what follows from one mutation: through events, outbox, queue, worker and views,
across the processes of docker-compose.yml.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.conftest import Installation
from tests.deploy.otlp_receiver import Collector, Received, collecting
from tests.e2e.running import Api
from tests.e2e.test_spine import OPTIMIZE
from tests.patience import eventually

pytestmark = pytest.mark.slow  # every process of the compose file

TRACE, CLIENT_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
LAST = "model.artifact-added"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def ancestors(trace: dict[str, Received], span: Received) -> list[str]:
    """The names from the span's parent to the root."""
    names = []
    while span.parent in trace:
        span = trace[span.parent]
        names.append(span.name)
    return names


def test_one_trace_follows_an_optimization_through_every_process(
    installation: Installation, collector: Collector, digits_folder: Path
) -> None:
    installation.migrate()
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    processes = {name: installation.start(name, **told) for name in ("projector", "worker", "api")}
    installation.ready(processes["api"], "/readyz")
    api = Api(processes["api"].url, installation.token)
    model = api.push_model(digits_folder / "digits.onnx", "traced")
    data = api.push_dataset(digits_folder / "digits-calibration.npz", "data", "CALIBRATION")
    api.http.headers["traceparent"] = f"00-{TRACE}-{CLIENT_SPAN}-01"
    asked = api.change(OPTIMIZE, model=model["id"], calibration=data, evaluation=None, key="k")
    del api.http.headers["traceparent"]
    assert api.ended(asked["job"]["id"])["status"] == "SUCCEEDED"

    def whole() -> dict[str, Received]:
        found = collector.trace(TRACE)
        names = [span.name for span in found.values()]
        assert LAST in names
        assert any(LAST in ancestors(found, one)[:1] for one in found.values()), "not projected yet"
        assert "attempt" in names
        return found

    trace = eventually(whole)
    roots = [span for span in trace.values() if span.parent not in trace]
    assert [(root.name, root.parent) for root in roots] == [("POST /graphql", CLIENT_SPAN)]
    (root,) = roots
    assert root.facts["edgewise.status"] == 200

    ids = {name: one.process.pid for name, one in processes.items()}
    by_process = {
        name: {span.name for span in trace.values() if f":{pid}:" in span.process}
        for name, pid in ids.items()
    }
    assert {"request_optimization", "append", "job.requested"} <= by_process["api"]
    worker = {"relay", "actor optimize", "attempt", "stage graph", "job.claimed", "job.succeeded"}
    assert worker <= by_process["worker"]
    projector = {"projection jobs", "projection dispatch", "policy:variants", LAST}
    assert projector <= by_process["projector"]

    (last,) = {span.id: span for span in trace.values() if span.name == "job.succeeded"}.values()
    mutation = ["job.requested", "append", "request_optimization", "POST /graphql"]
    assert ancestors(trace, last)[-7:] == ["attempt", "actor optimize", "relay", *mutation]
    added = next(span for span in trace.values() if span.name == LAST)
    assert "job.succeeded" in ancestors(trace, added)
    assert "policy:variants" in ancestors(trace, added)
    assert all(span.began <= span.ended for span in trace.values())


def test_events_are_correlated_by_the_id_of_the_clients_trace(
    installation: Installation, digits_folder: Path
) -> None:
    installation.migrate()
    installation.start("projector")
    one = installation.ready(installation.start("api"), "/readyz")
    api = Api(one.url, installation.token)
    api.http.headers["traceparent"] = f"00-{TRACE}-{CLIENT_SPAN}-01"
    answer = api.http.post("/graphql", json={"query": "{ __typename }"})
    assert answer.headers["x-request-id"].replace("-", "") == TRACE
    made = api.change('mutation { modelRegister(name: "m") { model { id } userErrors { code } } }')
    (registered,) = api.events(made["model"]["id"])
    assert registered["correlationId"].replace("-", "") == TRACE
    api.http.headers["traceparent"] = "00-" + "0" * 32 + "-x-01"
    answer = api.http.post("/graphql", json={"query": "{ __typename }"})
    assert "0" * 32 not in answer.headers["x-request-id"].replace("-", "")


def test_without_an_endpoint_nothing_that_traces_is_imported() -> None:
    """The client of Redis imports OpenTelemetry's metrics by itself where they are installed."""
    ours = ("opentelemetry.exporter", "opentelemetry.sdk.trace", "infrastructure.observing.otlp")
    code = (
        "import sys, interfaces.bootstrap, interfaces.cli.processes;"
        f"print([name for name in sys.modules if name.startswith({ours!r})])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
