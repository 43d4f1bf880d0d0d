"""What a client learns in production: answers, and nothing about what is behind them."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from application.waiting import Waiter
from interfaces.trusted_documents import hash_of
from tests.interfaces.http.serving import Served, served

KNOWN = "query Known { viewer { actor } }"


@pytest.fixture(scope="module")
def production(
    postgres_server: str, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    from tests.services import postgres

    folder: Path = tmp_path_factory.mktemp("production")
    documents = folder / "documents.json"
    documents.write_text(json.dumps({hash_of(KNOWN): KNOWN}))
    settings = {"EDGEWISE_ENVIRONMENT": "production", "EDGEWISE_DOCUMENTS_PATH": str(documents)}
    with (
        postgres.fresh_database(postgres_server, migrated_template) as url,
        served(url, folder / "home", **settings) as server,
    ):
        yield server


@pytest.mark.parametrize(
    "query",
    ["{ __schema { types { name } } }", '{ viewer { actor } __type(name: "Model") { name } }'],
)
def test_the_schema_is_not_told(production: Served, server: Served, query: str) -> None:
    answer = production.ask(query)
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "errors" not in server.ask(query)


def test_the_type_of_what_was_asked_for_is(production: Served) -> None:
    assert production.ask("{ __typename viewer { __typename } }")["data"]["__typename"] == "Query"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ view { actor } }", {}),
        ("{ viewer { acto } }", {}),
        ("{ models(frist: 1) { nodes { id } } }", {}),
        ("{ models(first: 1) { nodes { ...F } } } fragment F on Modle { id }", {}),
        ("{ models(first: 1, status: ACTIV) { nodes { id } } }", {}),
        (
            "query ($s: ModelStatus) { models(first: 1, status: $s) { nodes { id } } }",
            {"s": "ACTIV"},
        ),
        ("query ($m: Moment) { model(id: \"x\", asOf: $m) { id } }", {"m": {"positio": 1}}),
        ("query ($s: ModelStatu) { models(first: 1, status: $s) { nodes { id } } }", {}),
        ("{ viewer @inclde(if: true) { actor } }", {}),
    ],
)  # fmt: skip
def test_nobody_is_told_names_by_guessing(
    production: Served, server: Served, query: str, variables: dict[str, Any]
) -> None:
    for asked in (production, server):
        answer = asked.ask(query, **variables)
        assert "errors" in answer
        assert "Did you mean" not in json.dumps(answer)
        assert "ACTIVE" not in json.dumps(answer)


def test_what_breaks_is_in_the_log_under_the_id_that_the_client_is_told(
    production: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(self: Waiter, *arguments: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(Waiter, "wait_for", broken)
    with caplog.at_level(logging.ERROR):
        answer = production.post("{ models(first: 1, waitFor: 1) { nodes { id } } }")
    (error,) = answer.json()["errors"]
    assert error["message"] == "Internal error"
    assert error["extensions"] == {
        "code": "INTERNAL",
        "requestId": answer.headers["x-request-id"],
    }
    assert "hunter2" not in answer.text
    assert "hunter2" in caplog.text
    assert answer.headers["x-request-id"] in caplog.text


def test_a_trusted_document_is_asked_for_by_its_hash(production: Served) -> None:
    answer = production.http.post("/graphql", json={"documentId": f"sha256:{hash_of(KNOWN)}"})
    assert answer.json()["data"]["viewer"]["actor"].startswith("key:")
    unknown = production.http.post("/graphql", json={"documentId": "sha256:" + "0" * 64})
    assert unknown.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


def test_only_trusted_documents_may_be_allowed(database_url: str, tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "known.graphql").write_text(KNOWN)
    settings = {"EDGEWISE_DOCUMENTS": "only", "EDGEWISE_DOCUMENTS_PATH": str(documents)}
    with served(database_url, tmp_path / "home", **settings) as server:
        assert server.code("{ viewer { actor } }") == "DOCUMENT_NOT_TRUSTED"
        assert server.code(KNOWN) is None
        by_hash = server.http.post("/graphql", json={"documentId": hash_of(KNOWN)})
        assert by_hash.json()["data"]
