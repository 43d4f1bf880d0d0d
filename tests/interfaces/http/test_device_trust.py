"""What a device is served to install: real calls to a real server, by the device's own code."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from application.ports.trusted_targets import Target
from edge.home import Home
from edge.identity.identity import load
from edge.identity.join import join
from edge.protocol.calls import authorization, root_of
from edge.protocol.signed import NotSigned
from edge.protocol.updates import Problem, target_path
from edge.update.trust import NotServed, TargetFacts, Trust, Untrusted
from tests.interfaces.http.serving import Served, served
from tests.patience import eventually
from tests.services import postgres

CONTENT = bytes(range(256)) * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def server(
    postgres_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """One that devices can join."""
    home: Path = tmp_path_factory.mktemp("served")
    broker = {"EDGEWISE_MQTT_PUBLIC_URL": "mqtts://127.0.0.1:1"}
    with (
        postgres.fresh_database(postgres_server, migrated_template) as url,
        served(url, home / "home", **broker) as server,
    ):
        yield server


@dataclass
class Joined:
    """A device that joined this server's first tenant."""

    server: Served
    home: Home

    @property
    def tenant(self) -> UUID:
        return load(self.home)[0].address.tenant

    def get(self, path: str, signed_path: str | None = None, **headers: str) -> httpx.Response:
        identity, key = load(self.home)
        now = self.server.installation.platform.now().timestamp()
        call = authorization(
            identity.address, identity.serial, "GET", signed_path or path, now, key
        )
        url = f"{self.server.url}{path}"
        return httpx.get(url, headers={"Authorization": call, **headers}, timeout=60)

    def fetch(self, name: str, most: int) -> bytes:
        answer = self.get(f"/devices/tuf/{name}")
        if answer.status_code == 404:
            raise NotServed(name)
        answer.raise_for_status()
        return answer.content[: most + 1]

    @property
    def trust(self) -> Trust:
        now = self.server.installation.platform.now
        return Trust(self.home.trust, self.fetch, lambda: now().timestamp())


@pytest.fixture
def device(server: Served, tmp_path: Path) -> Joined:
    return joined(server, tmp_path / "device")


def joined(server: Served, folder: Path) -> Joined:
    answer = server.ask(
        "mutation { deviceClaimsIssue(count: 1) { claims { code } userErrors { code } } }"
    )
    (claim,) = answer["data"]["deviceClaimsIssue"]["claims"]
    home = Home.at(folder)
    join(home, claim["code"], server.url, {"host": "pi"})
    made = Joined(server, home)
    eventually(lambda: made.get("/devices/tuf/timestamp.json").status_code == 200)
    return made


def stored(server: Served, tenant: UUID, folder: Path, content: bytes = CONTENT) -> Target:
    """A blob of this tenant, as a target that is not published yet."""
    file = folder / "content"
    file.write_bytes(content)
    kept = server.installation.platform.blobs.put_file(tenant, file)
    return Target.of(kept.sha256, kept.bytes)


def publish(server: Served, tenant: UUID, *targets: Target) -> None:
    server.installation.platform.trusted_targets.publish(tenant, targets)


def test_what_is_published_reaches_a_device_whole_and_trusted(
    server: Served, device: Joined, tmp_path: Path
) -> None:
    assert device.trust.rooted  # since the join
    publish(server, device.tenant, stored(server, device.tenant, tmp_path))
    facts = device.trust.facts(target_path(SHA256))
    assert facts == TargetFacts(SHA256, len(CONTENT))
    answer = device.get(f"/devices/targets/{facts.sha256}")
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_a_download_goes_on_where_it_was_cut(
    server: Served, device: Joined, tmp_path: Path
) -> None:
    publish(server, device.tenant, stored(server, device.tenant, tmp_path))
    path = f"/devices/targets/{SHA256}"
    rest = device.get(path, Range="bytes=1000-")
    assert (rest.status_code, rest.content) == (206, CONTENT[1000:])
    assert rest.headers["content-range"] == f"bytes 1000-{len(CONTENT) - 1}/{len(CONTENT)}"
    assert rest.headers["etag"] == f'"{SHA256}"'
    assert device.get(path, Range=f"bytes={len(CONTENT)}-").status_code == 416


def test_what_is_not_published_is_not_served(
    server: Served, device: Joined, tmp_path: Path
) -> None:
    target = stored(server, device.tenant, tmp_path, b"a draft")
    assert device.get(f"/devices/targets/{target.sha256}").status_code == 404
    with pytest.raises(Untrusted) as refused:
        device.trust.facts(target.path)
    assert refused.value.problem is Problem.UNKNOWN_TARGET


def test_what_is_published_and_gone_is_not_found(server: Served, device: Joined) -> None:
    gone = Target.of(hashlib.sha256(b"gone").hexdigest(), 4)
    publish(server, device.tenant, gone)
    assert device.get(f"/devices/targets/{gone.sha256}").status_code == 404


def test_a_device_sees_nothing_of_another_tenant(
    server: Served, device: Joined, tmp_path: Path
) -> None:
    other = UUID(int=77)
    theirs = stored(server, other, tmp_path, b"theirs alone")
    publish(server, other, theirs)
    assert device.get(f"/devices/targets/{theirs.sha256}").status_code == 404
    own = json.loads(device.fetch("timestamp.json", 10**6))["signed"]
    assert own["x-edgewise-tenant"] == str(device.tenant)


@pytest.mark.parametrize(
    "path",
    ["/devices/tuf/timestamp.json", "/devices/trusted-root", f"/devices/targets/{SHA256}"],
)
def test_only_a_signed_call_for_this_very_thing_is_let_in(
    server: Served, device: Joined, path: str
) -> None:
    assert httpx.get(f"{server.url}{path}").status_code == 401
    assert device.get(path, signed_path="/devices/tuf/1.root.json").status_code == 401
    operators = {"authorization": f"Bearer {server.token}"}
    assert httpx.get(f"{server.url}{path}", headers=operators).status_code == 401


@pytest.mark.parametrize(
    "name",
    [
        "root.json", "0.root.json", "01.root.json", "99.root.json", "1.timestamp.json",
        "snapshot.json", "-1.root.json", "1.other.json", "9999999999.root.json", "timestamp",
        "%2e%2e", "1.root.json%00",
    ],
)  # fmt: skip
def test_other_names_are_not_found(device: Joined, name: str) -> None:
    answer = device.get(f"/devices/tuf/{name}", f"/devices/tuf/{httpx.URL(f'x:/{name}').path[1:]}")
    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["0" * 63, "g" * 64, SHA256.upper(), "x"])
def test_other_targets_are_not_found(device: Joined, name: str) -> None:
    assert device.get(f"/devices/targets/{name}").status_code == 404


def test_a_device_that_lost_its_root_is_given_it_in_a_statement(
    server: Served, device: Joined, tmp_path: Path
) -> None:
    publish(server, device.tenant, stored(server, device.tenant, tmp_path))
    (device.home.trust / "pinned.json").unlink()
    assert not device.trust.rooted
    identity, _ = load(device.home)
    answer = device.get("/devices/trusted-root").json()
    root = root_of(answer, identity.address, identity.platform_key)
    device.trust.install_root(root)
    assert device.trust.facts(target_path(SHA256)).bytes == len(CONTENT)
    foreign, _ = load(joined(server, tmp_path / "other").home)
    with pytest.raises(NotSigned, match="another device"):
        root_of(answer, foreign.address, foreign.platform_key)


def test_keys_that_were_replaced_while_a_device_was_off_are_followed(
    server: Served, device: Joined, tmp_path: Path
) -> None:
    publish(server, device.tenant, stored(server, device.tenant, tmp_path))
    device.trust.refresh()
    rotate: Callable[[UUID, bool], object] = server.installation.targets.rotate
    for root in (True, False, True):
        rotate(device.tenant, root)
    assert device.trust.facts(target_path(SHA256)).bytes == len(CONTENT)


def test_a_device_joins_though_nothing_can_be_signed(
    server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(server.installation.platform), "targets", None)
    answer = server.ask(
        "mutation { deviceClaimsIssue(count: 1) { claims { code } userErrors { code } } }"
    )
    home = Home.at(tmp_path / "unsigned")
    join(home, answer["data"]["deviceClaimsIssue"]["claims"][0]["code"], server.url, {"host": "x"})
    monkeypatch.undo()
    device = Joined(server, home)
    assert not device.trust.rooted
    assert device.get("/devices/trusted-root").status_code == 200
