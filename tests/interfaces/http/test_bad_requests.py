"""Requests that are too large, too slow, too deep or none at all: refused, fast, never 5xx."""

import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from interfaces.http import graphql_request
from tests.interfaces.http.serving import Served
from tests.patience import PATIENCE

NAMES = [f"f{number}" for number in range(400)]

QUERIES = {
    "deep": "{ viewer " * 600 + "}" * 600,
    "deeper": "{" * 100_000,
    "deep lists": "{ artifacts(ids: " + "[" * 1_500 + "]" * 1_500 + ") { id } }",
    "deep objects": "{ model(asOf: " + "{a: " * 400 + "1" + "}" * 400 + ") { id } }",
    "deep types": "query ($x: " + "[" * 900 + "Int" + "]" * 900 + ") { viewer { actor } }",
    "wide": "{ viewer { " + "actor " * 1_900 + "} }",
    "wide and different": "{ " + " ".join(f"{name}: viewer {{ actor }}" for name in NAMES) + " }",
    "unknown fields": "{ " + " ".join(NAMES) + " }",
    "many spreads": "{ viewer { " + "...F " * 490 + "} } fragment F on Viewer { actor role }",
    "many fragments": "{ viewer { "
    + " ".join(f"...{name}" for name in NAMES[:230])
    + " } } "
    + " ".join(f"fragment {name} on Viewer {{ actor }}" for name in NAMES[:230]),
    "fragment loop": "{ viewer { ...A } } fragment A on Viewer { ...B } "
    "fragment B on Viewer { ...A }",
    "own loop": "{ viewer { ...A } } fragment A on Viewer { actor ...A }",
    "unused loop": "{ viewer { actor } } fragment A on Viewer { ...A }",
    "doubling": "{ viewer { ...F0 } } "
    + " ".join(f"fragment F{n} on Viewer {{ ...F{n + 1} ...F{n + 1} }}" for n in range(200))
    + " fragment F200 on Viewer { actor }",
    "many operations": " ".join(f"query {name} {{ viewer {{ actor }} }}" for name in NAMES[:100]),
    "many directives": "{ viewer " + "@include(if: true) " * 300 + "{ actor } }",
    "many variables": "query ("
    + " ".join(f"${name}: Int" for name in NAMES)
    + ") { viewer { actor } }",
    "one long name": "{ " + "a" * 900_000 + " }",
    "one long text": '{ model(name: "' + "x" * 900_000 + '") { id } }',
    "long comment": "#" + "x" * 900_000 + "\n{ viewer { actor } }",
    "only commas": "," * 900_000,
    "huge number": "{ models(first: " + "9" * 500_000 + ") { nodes { id } } }",
    "huge float": "{ models(first: 1e" + "9" * 1000 + ") { nodes { id } } }",
    "block text": '{ model(name: """' + "\n  x" * 100_000 + '""") { id } }',
    "null byte": "\0{ viewer { actor } }",
    "byte order mark": "\ufeff{ viewer { actor } }",
    "deep introspection": "{ __schema { types { "
    + "fields { type { " * 40
    + "name"
    + " } }" * 40
    + " } } }",
    "empty": "   ",
    "type system": "type Query { x: Int }",
    "subscription": "subscription { eventsAppended { position } }",
}  # fmt: skip


@pytest.mark.parametrize("name", QUERIES)
def test_a_hostile_query_is_answered_in_few_words(server: Served, name: str) -> None:
    answer = server.post(QUERIES[name])
    assert answer.status_code < 500, answer.text[:500]
    assert "INTERNAL" not in answer.text
    assert "recursion" not in answer.text.lower()
    assert len(answer.content) < 20_000


@pytest.mark.parametrize(
    "variables",
    [
        {"n": 2**31}, {"n": 2**63}, {"n": 2**64}, {"n": 10**40}, {"n": -1}, {"n": 0}, {"n": 101},
        {"n": 1.5}, {"n": 1e308}, {"n": "1"}, {"n": True}, {"n": None}, {"n": [1]}, {"n": {}},
        {"n": {"n": {"n": 1}}}, {"m": 1}, {},
    ],
)  # fmt: skip
def test_a_page_size_that_is_none_is_refused(server: Served, variables: dict[str, Any]) -> None:
    answer = server.ask("query ($n: Int!) { models(first: $n) { nodes { id } } }", **variables)
    assert answer["errors"][0]["extensions"]["code"] in ("INVALID", "BAD_USER_INPUT")


@pytest.mark.parametrize(
    "after",
    ["", "x", "-1", "0", "cA==", "cC0x", "cDA=", "cDk5OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "A" * 10_000,
     "cDE=\n", "\0", "%00", "cDEnIE9SIDE9MQ==", "ｐ１", "cNmh"],
)  # fmt: skip
def test_a_cursor_that_this_list_did_not_give_is_refused_or_an_empty_page(
    server: Served, after: str
) -> None:
    query = "query ($a: String) { models(first: 1, after: $a) { nodes { id } } }"
    answer = server.ask(query, a=after)
    if "errors" in answer:
        assert answer["errors"][0]["extensions"]["code"] == "INVALID"
        assert answer["errors"][0]["extensions"]["field"] == "after"
    else:
        assert answer["data"]["models"]["nodes"] == []


@pytest.mark.parametrize("after", [-1, 2**53, 2**63, 2**70, 1.5, "1", True, 10**15])
def test_a_position_that_never_was_is_refused_or_answers_nothing(
    server: Served, after: object
) -> None:
    query = "query ($a: BigInt) { events(first: 1, after: $a) { nodes { position } } }"
    answer = server.ask(query, a=after)
    if "errors" in answer:
        assert answer["errors"][0]["extensions"]["code"] in ("INVALID", "BAD_USER_INPUT")
    else:
        assert answer["data"]["events"]["nodes"] == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"1", b'"x"', b"[]", b'[{"query": "{ viewer { actor } }"}]', b"\xff\xfe",
     b'{"query": "\\ud800"}', b'{"query": 1}', b'{"query": null}', b"{}", b"[" * 100_000,
     b'{"a":' * 50_000, b'{"query": "{ viewer { actor } }", "variables": 1e999}', b"NaN",
     b'{"query": "{ viewer { actor } }", "operationName": {}}',
     b'{"query": "{ viewer { actor } }", "extensions": {"persistedQuery": {"sha256Hash": {}}}}'],
)  # fmt: skip
def test_a_body_that_is_no_request_is_refused(server: Served, body: bytes) -> None:
    headers = {"content-type": "application/json", "accept": "application/graphql-response+json"}
    answer = server.http.post("/graphql", content=body, headers=headers)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("name", ["C", None])
def test_an_operation_that_is_not_in_the_document_is_refused(
    server: Served, name: str | None
) -> None:
    query = "query A { viewer { actor } } query B { viewer { role } }"
    answer = server.http.post("/graphql", json={"query": query, "operationName": name}).json()
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_ten_megabytes_of_query_are_refused(server: Served) -> None:
    body = json.dumps({"query": "{ viewer { actor } } #" + "x" * 10_000_000}).encode()
    assert _sent(server, body, len(body)).startswith(b"HTTP/1.1 413")


def test_ten_megabytes_without_a_length_are_refused(server: Served) -> None:
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    answer = _sent(server, chunk * 160, None)
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphql_request, "BODY_SECONDS", 1.0)


def test_a_body_that_stalls_is_given_up(impatient: None, server: Served) -> None:
    with _connection(server, 1_000) as connection:
        connection.sendall(b'{"query"')
        answer = _received(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answer.lower()


def test_a_body_that_never_ends_is_given_up(impatient: None, server: Served) -> None:
    answer = b""
    with _connection(server, None) as connection:
        connection.settimeout(0.1)
        deadline = time.monotonic() + PATIENCE
        while not answer and time.monotonic() < deadline:
            try:
                connection.sendall(b"1\r\n \r\n")
                answer = connection.recv(65_536)
            except TimeoutError:
                continue
            except OSError:
                break
    assert answer.startswith(b"HTTP/1.1 408")


def test_who_does_not_sign_in_is_not_even_read(server: Served) -> None:
    for token in ("", "Bearer", "Bearer x", "Bearer ew_" + "x" * 500, "Basic eDp5", "Bearer \xfcx"):
        headers = {"authorization": token.encode("latin-1"), "content-type": "application/json"}
        answer = httpx.post(f"{server.url}/graphql", content=b"{", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def _connection(server: Served, length: int | None) -> socket.socket:
    parts = urlsplit(server.url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE)
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {server.token}\r\n{size}\r\n\r\n"
    )
    connection.sendall(head.encode())
    return connection


def _sent(server: Served, body: bytes, length: int | None) -> bytes:
    with _connection(server, length) as connection:
        try:
            connection.sendall(body)
        except OSError:
            pass  # it may be refused before it is all there
        return _received(connection)


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except ConnectionResetError:
        return b""
