"""The dashboard and the alerts ask for metrics that the processes really export."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy import compose
from tests.deploy.conftest import Installation
from tests.e2e.running import Api
from tests.patience import eventually

DEPLOY = compose.ROOT / "deploy"
RULES, SCRAPES = DEPLOY / "prometheus/alerts.yml", DEPLOY / "prometheus/prometheus.yml"
DASHBOARD = DEPLOY / "grafana/edgewise.json"
LABELLED = re.compile(r"(\w+)\{([^}]*)\}")
AGGREGATED = re.compile(r"\bby \(([^)]*)\)")
OF_PROMETHEUS = {"job", "instance", "le"}


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def panels() -> Iterator[dict[str, Any]]:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        if panel["type"] != "row":
            yield panel


def expressions() -> list[str]:
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    return asked + [alert["expr"] for alert in alerts()]


def exported(installation: Installation, model: Path) -> dict[str, set[str]]:
    """The labels of each sample that any process of the installation exports."""
    installation.migrate()
    running = {name: installation.start(name) for name in ("projector", "worker", "api")}
    for name, path in (("projector", "/healthz"), ("worker", "/healthz"), ("api", "/readyz")):
        installation.ready(running[name], path)
    api = Api(running["api"].url, installation.token)
    pushed = api.push_model(model, "measured")
    job = api.benchmark(pushed["id"], [pushed["source"]["id"]], 900)
    eventually(lambda: api.job(job)["status"] == "RUNNING")
    eventually(lambda: 'state="running"} 1' in httpx.get(f"{running['api'].url}/metrics").text)
    running["worker"].process.kill()
    running["worker"] = installation.ready(installation.start("worker"), "/healthz")
    assert api.ended(job)["status"] == "SUCCEEDED"
    found: dict[str, set[str]] = {}
    for one in running.values():
        for family in text_string_to_metric_families(httpx.get(f"{one.url}/metrics").text):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.slow
def test_every_metric_and_label_asked_for_is_exported(
    installation: Installation, slow_model: Path
) -> None:
    found = exported(installation, slow_model)
    # A job that runs is exported while it runs.
    found["edgewise_jobs_running"] = {"kind"}
    for expression in expressions():
        names = set(re.findall(r"\bedgewise_\w+", expression))
        assert names <= found.keys(), expression
        for name, matchers in LABELLED.findall(expression):
            if name in found:
                assert set(re.findall(r"(\w+)(?==|!)", matchers)) <= found[name], expression
        of_all = set().union(*(found[name] for name in names)) | OF_PROMETHEUS
        for labels in AGGREGATED.findall(expression):
            assert set(re.findall(r"\w+", labels)) <= of_all, expression


def test_every_alert_says_how_urgent_it_is_what_is_wrong_and_what_to_do() -> None:
    assert len({alert["alert"] for alert in alerts()}) == len(alerts()) > 8
    for alert in alerts():
        assert alert["alert"].startswith("Edgewise")
        assert alert["labels"]["severity"] in ("page", "warn")
        assert {"summary", "remedy"} == alert["annotations"].keys()
        expression = alert["expr"]
        assert expression.count("(") == expression.count(")"), expression
        assert re.search(r"[<>=]=?", expression), "an alert compares"


def test_promtool_takes_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool here")
    subprocess.run([promtool, "check", "rules", RULES], check=True)
    subprocess.run([promtool, "check", "config", SCRAPES], check=True)


def test_the_dashboard_is_one_that_grafana_imports() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    assert {"uid", "title", "schemaVersion", "panels", "templating"} <= dashboard.keys()
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in dashboard["panels"]:
        assert {"x", "y", "w", "h"} == panel["gridPos"].keys()
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    titles = {panel["title"] for panel in panels()}
    assert {"Requests", "Errors", "Lag", "Stopped", "Outbox", "Leases that expired"} <= titles


def test_every_process_is_scraped_on_the_port_where_it_tells() -> None:
    required = [one.name for one in compose.variables() if one.required]
    services = compose.services(dict.fromkeys(required, "x"))
    scraped = yaml.safe_load(SCRAPES.read_text())["scrape_configs"]
    found = {}
    for scrape in scraped:
        (where,) = scrape["dns_sd_configs"]
        (name,) = where["names"]
        found[name] = str(where["port"])
    assert found == {name: services[name]["healthcheck"]["test"][4] for name in found}
    assert found.keys() == {"api", "projector", "worker"}
