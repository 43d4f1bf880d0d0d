"""What keeps other sites' pages away, and what tells browsers to be careful with our answers."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.interfaces.http.serving import Served, served
from tests.patience import PATIENCE

ELSEWHERE = "https://evil.example"
CONSOLE = "https://console.example"
QUERY = {"query": "{ viewer { actor } }"}
TRANSPORT = Subprotocol("graphql-transport-ws")


@pytest.fixture
def behind_https(database_url: str, tmp_path: Path) -> Iterator[Served]:
    settings = {"EDGEWISE_URL": "https://edgewise.example", "EDGEWISE_ORIGINS": CONSOLE}
    with served(database_url, tmp_path / "home", **settings) as server:
        yield server


def post(server: Served, **headers: str) -> httpx.Response:
    return server.http.post("/graphql", json=QUERY, headers=headers)


@pytest.mark.parametrize("origin", [ELSEWHERE, "null", "http://127.0.0.1:1", "file://", "x", ""])
def test_pages_of_other_origins_are_refused(server: Served, origin: str) -> None:
    answer = post(server, origin=origin)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "FORBIDDEN"
    assert "access-control-allow-origin" not in answer.headers


def test_our_own_pages_and_programs_are_not(server: Served) -> None:
    assert post(server).status_code == 200
    assert post(server, origin=server.url).status_code == 200


def test_other_origins_may_not_even_ask_whether_they_may(server: Served) -> None:
    headers = {"origin": ELSEWHERE, "access-control-request-method": "POST"}
    assert server.http.options("/graphql", headers=headers).status_code == 403


def test_a_socket_of_another_origin_is_closed_before_it_is_accepted(server: Served) -> None:
    url = server.url.replace("http", "ws") + "/graphql"
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(url, subprotocols=[TRANSPORT], origin=Origin(ELSEWHERE), open_timeout=PATIENCE),
    ):
        pass
    assert refused.value.response.status_code == 403
    for origin in (None, Origin(server.url)):
        with connect(url, subprotocols=[TRANSPORT], origin=origin, open_timeout=PATIENCE) as socket:
            assert socket.subprotocol == TRANSPORT


def test_no_other_subprotocol_is_spoken(server: Served) -> None:
    url = server.url.replace("http", "ws") + "/graphql"
    with (
        connect(url, subprotocols=[Subprotocol("graphql-ws")], open_timeout=PATIENCE) as socket,
        pytest.raises(ConnectionClosed) as closed,
    ):
        socket.recv(timeout=PATIENCE)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4406


def test_a_listed_origin_may_use_the_api(behind_https: Served) -> None:
    answer = post(behind_https, origin=CONSOLE)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == CONSOLE
    assert "Origin" in answer.headers["vary"]
    preflight = behind_https.http.options(
        "/graphql",
        headers={
            "origin": CONSOLE,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == CONSOLE
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert post(behind_https, origin="https://edgewise.example").status_code == 200
    assert post(behind_https, origin=ELSEWHERE).status_code == 403


def test_behind_https_browsers_are_told_to_stay_there(behind_https: Served, server: Served) -> None:
    assert "max-age=" in post(behind_https).headers["strict-transport-security"]
    assert "strict-transport-security" not in post(server).headers


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/graphql"), ("GET", "/graphql"), ("GET", "/healthz"), ("GET", "/"), ("GET", "/no"),
     ("GET", "/metrics"), ("POST", "/uploads"), ("GET", "/graphiql/start.js")],
)  # fmt: skip
def test_every_answer_carries_the_security_headers(server: Served, method: str, path: str) -> None:
    answer = server.http.request(method, path, headers={"accept": "text/html"})
    headers = answer.headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["x-request-id"]


def test_only_the_page_may_run_scripts(server: Served) -> None:
    page = server.http.get("/graphql", headers={"accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe-eval" not in page.headers["content-security-policy"]
    assert "script-src" not in post(server).headers["content-security-policy"]


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
     "application/graphql", "application/json; charset=utf-16", "text/plain; application/json"],
)  # fmt: skip
def test_what_a_form_could_send_is_refused(server: Served, content_type: str) -> None:
    answer = server.http.post(
        "/graphql", content=json.dumps(QUERY), headers={"content-type": content_type}
    )
    assert answer.status_code == 415


def test_operations_are_not_read_from_an_address(server: Served) -> None:
    answer = server.http.get("/graphql", params=QUERY)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert server.http.put("/graphql", json=QUERY).status_code == 405


def test_compressed_bodies_are_not_unpacked(server: Served) -> None:
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    assert server.http.post("/graphql", content=b"\x1f\x8b", headers=headers).status_code == 415
