"""Trusted documents: named by their sha256, and with `only` nothing else is taken."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from graphql import GraphQLError

from interfaces.cli.queries import model as documents
from interfaces.graphql.trusted import Trusted
from interfaces.settings import BadSetting, read_settings
from interfaces.trusted_documents import hash_of, load_documents

TEXT = "query V { viewer { actor } }"
OTHER = "{ viewer { role } }"


def code(trusted: Trusted, body: dict[str, object]) -> str:
    with pytest.raises(GraphQLError) as refused:
        trusted.named(body)
    assert refused.value.extensions is not None
    return str(refused.value.extensions["code"])


def apollo(text: str) -> dict[str, object]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}


@pytest.mark.parametrize("id", [hash_of(TEXT), "sha256:" + hash_of(TEXT), hash_of(TEXT).upper()])
def test_a_document_is_named_by_its_hash(id: str) -> None:
    assert Trusted([TEXT]).named({"documentId": id}) == TEXT


def test_a_document_is_named_as_apollo_does() -> None:
    assert Trusted([TEXT]).named({"extensions": apollo(TEXT)}) == TEXT


@pytest.mark.parametrize("body", [{"documentId": "no"}, {"extensions": apollo(OTHER)}])
def test_a_document_that_is_not_known_is_told_so(body: dict[str, object]) -> None:
    assert code(Trusted([TEXT]), body) == "PERSISTED_QUERY_NOT_FOUND"


def test_a_hash_must_be_that_of_the_query() -> None:
    body = {"query": OTHER, "extensions": apollo(TEXT)}
    assert code(Trusted([TEXT]), body) == "PERSISTED_QUERY_HASH_MISMATCH"


def test_apollos_clients_may_teach_a_document() -> None:
    trusted = Trusted()
    assert trusted.named({"query": OTHER, "extensions": apollo(OTHER)}) == OTHER
    assert trusted.named({"extensions": apollo(OTHER)}) == OTHER


def test_what_was_taught_is_bounded() -> None:
    trusted = Trusted()
    texts = ["{ viewer { actor } } #" + str(number) + "x" * 90_000 for number in range(20)]
    for text in texts:
        trusted.named({"query": text, "extensions": apollo(text)})
    assert code(trusted, {"extensions": apollo(texts[0])}) == "PERSISTED_QUERY_NOT_FOUND"
    assert trusted.named({"extensions": apollo(texts[-1])}) == texts[-1]


def test_with_only_nothing_else_is_taken_and_nothing_taught() -> None:
    trusted = Trusted([TEXT], only=True)
    trusted.require(TEXT)
    with pytest.raises(GraphQLError, match="Only trusted documents"):
        trusted.require(OTHER)
    trusted.named({"query": OTHER, "extensions": apollo(OTHER)})
    assert code(trusted, {"extensions": apollo(OTHER)}) == "PERSISTED_QUERY_NOT_FOUND"


def test_a_folder_of_documents_is_read(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "v.graphql").write_text(TEXT)
    assert load_documents(tmp_path) == [TEXT]


def test_a_file_of_documents_is_read_and_its_hashes_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "documents.json"
    path.write_text(json.dumps({"sha256:" + hash_of(TEXT): TEXT}))
    assert load_documents(path) == [TEXT]
    path.write_text(json.dumps({"0" * 64: TEXT}))
    with pytest.raises(ValueError, match="not the sha256"):
        load_documents(path)
    path.write_text("[]")
    with pytest.raises(ValueError, match="one JSON object"):
        load_documents(path)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"EDGEWISE_DOCUMENTS_PATH": "/nowhere/at/all.json"}, "EDGEWISE_DOCUMENTS_PATH"),
        ({"EDGEWISE_DOCUMENTS": "only"}, "EDGEWISE_DOCUMENTS_PATH"),
        ({"EDGEWISE_DOCUMENTS": "some"}, "EDGEWISE_DOCUMENTS"),
        ({"EDGEWISE_ORIGINS": "console.example.org"}, "EDGEWISE_ORIGINS"),
        ({"EDGEWISE_ORIGINS": "https://a.example/path"}, "EDGEWISE_ORIGINS"),
        ({"EDGEWISE_ORIGINS": "*"}, "EDGEWISE_ORIGINS"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(
    environment: dict[str, str], named: str, tmp_path: Path
) -> None:
    with pytest.raises(BadSetting, match=named):
        read_settings({"EDGEWISE_HOME": str(tmp_path), **environment})


def test_the_clis_own_documents_can_be_trusted(tmp_path: Path) -> None:
    path = tmp_path / "documents.json"
    printed = subprocess.run(
        [sys.executable, "-m", "interfaces.cli.queries"], capture_output=True, check=True
    )
    path.write_bytes(printed.stdout)
    trusted = Trusted(load_documents(path), only=True)
    trusted.require(documents.REGISTER)
