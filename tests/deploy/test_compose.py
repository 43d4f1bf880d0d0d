"""docker-compose.yml is true to the settings, the command line and the files it stands on."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from typer.main import get_command

from infrastructure.blobs.s3 import S3Blobs, S3Links, s3_store
from infrastructure.blobs.s3_bucket import NoBucket, ensure_bucket
from interfaces.cli.main import app
from interfaces.settings import BadSetting, Settings, read_settings
from tests.deploy import compose
from tests.services.s3 import S3Access

VALUES = {variable.name: "http://set.test" for variable in compose.variables() if variable.required}
SERVICES = compose.services(VALUES)


class Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return super().__getitem__(name)


def settings_of(service: str, home: Path) -> tuple[Settings, Asked]:
    environment = Asked(SERVICES[service]["environment"] | {"EDGEWISE_HOME": str(home)})
    return read_settings(environment), environment


def test_docker_reads_it() -> None:
    try:
        there = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    except FileNotFoundError:
        there = None
    if there is None or there.returncode:
        pytest.skip("there is no `docker compose` here")
    done = subprocess.run(
        ["docker", "compose", "config", "-q"],
        cwd=compose.ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", **VALUES},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_no_secret_has_a_default() -> None:
    required = {variable.name for variable in compose.variables() if variable.required}
    secret = {name for name in VALUES if name.endswith(("SECRET", "PASSWORD", "KEY"))}
    assert len(secret) >= 4
    assert secret <= required
    assert {name: compose.example()[name] for name in secret} == dict.fromkeys(secret, "")
    for name in secret:
        with pytest.raises(compose.Unset, match=name):
            compose.services({**VALUES, name: ""})


def test_the_example_names_every_variable() -> None:
    named = set(re.findall(r"^#?(\w+)=", compose.EXAMPLE.read_text(), re.MULTILINE))
    assert named == {variable.name for variable in compose.variables()}


@pytest.mark.parametrize("service", compose.SERVER)
def test_every_variable_of_a_process_is_one_that_settings_read(
    service: str, tmp_path: Path
) -> None:
    _, asked = settings_of(service, tmp_path)
    assert set(SERVICES[service]["environment"]) - asked.names == set()


def test_the_processes_share_one_secret_one_database_and_one_bucket(tmp_path: Path) -> None:
    found = [settings_of(service, tmp_path)[0] for service in compose.SERVER]
    assert len({(one.secret, one.database_url, one.redis_url, one.s3) for one in found}) == 1
    assert found[0].environment == "production"
    assert found[0].redis_url is not None
    assert found[0].s3 is not None


@pytest.mark.parametrize("service", compose.SERVER)
def test_every_command_is_one_of_the_command_line(service: str) -> None:
    commands: Any = get_command(app)
    assert SERVICES[service]["command"][0] in commands.commands


def test_there_are_two_of_each_process_and_one_migration() -> None:
    twice = {name for name, one in SERVICES.items() if one["deploy"].get("replicas") == 2}
    assert twice == {"api", "projector", "worker", "gateway"}
    for service in twice:
        waits = SERVICES[service]["depends_on"]["migrate"]["condition"]
        assert waits == "service_completed_successfully"


def test_who_waits_for_health_waits_for_one_that_tells_it() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES, name
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], f"{name} waits for {other}"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_pinned_limited_and_held(name: str) -> None:
    service = SERVICES[name]
    tag = service["image"].rpartition(":")[2]
    assert tag != "latest"
    assert "build" in service or re.search(r"\d+\.\d+", tag), service["image"]
    assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys()
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert name == "migrate" or "healthcheck" in service
    assert "no-new-privileges:true" in service["security_opt"]
    if name not in ("postgres", "s3"):  # these images start as root to own their volume
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]


def test_everything_mounted_is_there() -> None:
    declared = compose.document(VALUES)["volumes"]
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (compose.ROOT / source).is_file(), f"{name}: {source}"
                assert volume.endswith(":ro")
            else:
                assert source in declared, f"{name}: {source}"


def test_the_broker_reads_what_the_platform_publishes(tmp_path: Path) -> None:
    broker, gateway = SERVICES["mosquitto"], SERVICES["gateway"]
    settings = settings_of("gateway", tmp_path)[0]
    assert f"trust:{settings.fleet.trust}" in gateway["volumes"]
    assert "trust:/mosquitto/trust:ro,nocopy" in broker["volumes"]
    dockerfile = (compose.ROOT / "Dockerfile").read_text()
    assert f"-m 0750 {settings.fleet.trust}" in dockerfile
    assert broker["user"].partition(":")[2] in re.findall(r"groupadd --gid (\d+)", dockerfile)
    text = (compose.ROOT / "deploy/mosquitto/mosquitto.conf").read_text()
    for file in set(re.findall(r"/mosquitto/config/[\w.]+", text)):
        assert any(one.endswith(f":{file}:ro") for one in broker["volumes"]), file
    assert settings.fleet.mqtt_url == "mqtts://mosquitto:8884"
    listeners = re.findall(r"^listener (\d+)$", text, re.MULTILINE)
    assert listeners == ["8883", "8884"]
    assert [one.rpartition(":")[2] for one in broker["ports"]] == ["8883"]


def test_the_probes_ask_the_ports_that_the_settings_give(tmp_path: Path) -> None:
    ports = {"api": "port"} | dict.fromkeys(("projector", "worker", "gateway"), "metrics_port")
    for service, setting in ports.items():
        probe = SERVICES[service]["healthcheck"]["test"]
        assert probe[:4] == ["CMD", "python", "-m", "interfaces.probe"]
        assert int(probe[4]) == getattr(settings_of(service, tmp_path)[0], setting)


def test_the_proxy_passes_to_services_on_their_ports(tmp_path: Path) -> None:
    text = (compose.ROOT / "deploy/caddy/Caddyfile").read_text()
    settings = settings_of("api", tmp_path)[0]
    assert settings.s3 is not None
    assert f"/{settings.s3.bucket}/* {settings.s3.endpoint.removeprefix('http://')}" in text
    assert re.search(rf"name api\s+port {settings.port}\b", text)
    assert settings.s3.public_endpoint == settings.url


def test_a_download_link_is_good_for_the_address_of_the_proxy(s3: S3Access) -> None:
    """The proxy passes the Host on as it came, and S3 checks the one that was signed."""
    here: dict[str, Any] = {
        "bucket": s3.bucket,
        "region": s3.region,
        "access_key": s3.access_key,
        "secret_key": s3.secret_key,
    }
    tenant, file = uuid4(), Path(__file__)
    ref = S3Blobs(s3_store(endpoint=s3.endpoint, **here)).put_file(tenant, file)
    public = s3_store(endpoint="http://edge.test:8080", **here)
    link = S3Links(public).link(tenant, ref.sha256, "file")
    assert link.startswith(f"http://edge.test:8080/{s3.bucket}/")
    passed_on = link.replace("http://edge.test:8080", s3.endpoint)
    answer = httpx.get(passed_on, headers={"host": "edge.test:8080"})
    assert (answer.status_code, answer.content) == (200, file.read_bytes())
    assert httpx.get(passed_on, headers={"host": "other.test"}).status_code == 403


def test_the_s3_server_answers_its_health_check(s3: S3Access) -> None:
    (url,) = (word for word in SERVICES["s3"]["healthcheck"]["test"] if word.startswith("http"))
    assert httpx.get(s3.endpoint + httpx.URL(url).path).status_code == 200


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("EDGEWISE_WORKER_KINDS", "optimise", "there are optimize, benchmark"),
        ("EDGEWISE_METRICS_PORT", "high", "whole number"),
        ("OTEL_TRACES_SAMPLER_ARG", "2", "from 0 to 1"),
    ],
)
def test_a_setting_that_cannot_be_is_named(
    tmp_path: Path, name: str, value: str, told: str
) -> None:
    with pytest.raises(BadSetting, match=f"{name}.*{told}"):
        read_settings({"EDGEWISE_HOME": str(tmp_path), name: value})


def test_migrating_makes_the_bucket_where_it_is_missing(s3: S3Access) -> None:
    name = f"made-{uuid4().hex[:12]}"
    store = s3_store(
        bucket=name,
        endpoint=s3.endpoint,
        region=s3.region,
        access_key=s3.access_key,
        secret_key=s3.secret_key,
    )
    for _ in range(2):
        ensure_bucket(store, name)
    assert list(store.list()) == []
    away = s3_store(
        bucket=name, endpoint="http://127.0.0.1:1", region="x", access_key="k", secret_key="s"
    )
    with pytest.raises(NoBucket, match="S3_ENDPOINT"):
        ensure_bucket(away, name)
