"""What an operator sees of the keys that sign targets, and does with them."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.ports.trusted_targets import Target
from domain.cause import Cause, acting
from domain.plan import Plan
from domain.tenant import Tenant
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.postgres.database import Database
from interfaces.bootstrap.trust import repositories_of
from interfaces.cli.main import run
from interfaces.fleet_settings import fleet_settings
from tests.services.postgres import TEST_SECRET


@pytest.fixture(autouse=True)
def installation(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWISE_HOME", str(tmp_path))
    monkeypatch.setenv("EDGEWISE_SECRET", TEST_SECRET)
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.fixture
def tenant(event_log: PostgresEventLog, database: Database, tmp_path: Path) -> UUID:
    """One whose first device has joined."""
    tenant_id = uuid4()
    with acting(Cause(tenant_id, "key:test", "request:1", "1")):
        event_log.save(Tenant.register(tenant_id, "Acme", Plan.FREE, ""))
    repositories_of(fleet_settings({}, tmp_path), database).root(tenant_id)
    return tenant_id


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = run(["trust", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def roles(told: Any) -> dict[str, Any]:
    (one,) = told["repositories"]
    return {role["role"]: role for role in one["roles"]}


def test_nothing_is_shown_where_nothing_is_signed(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "show") == (0, {"repositories": []})
    assert run(["trust", "show"]) == 0
    assert "Nothing is signed yet" in capsys.readouterr().err


def test_roles_keys_and_expiries_are_shown(
    capsys: pytest.CaptureFixture[str], tenant: UUID
) -> None:
    code, told = answer(capsys, "show")
    assert code == 0
    assert told["repositories"][0]["tenant"] == str(tenant)
    assert {name: one["version"] for name, one in roles(told).items()} == {
        "root": 1, "targets": 1, "snapshot": 1, "timestamp": 1
    }  # fmt: skip
    uris = {one["id"]: one["uri"] for one in told["repositories"][0]["keys"]}
    assert [uris[one["keyIds"][0]] for one in roles(told).values()] == [
        "file2:root-1.pem", *["file2:online-1.pem"] * 3
    ]  # fmt: skip
    assert run(["trust", "show"]) == 0
    assert "online-1.pem" in capsys.readouterr().out


@pytest.mark.parametrize(("command", "use"), [("rotate-root", "root"), ("rotate-keys", "online")])
def test_keys_are_replaced_and_it_is_on_record(
    capsys: pytest.CaptureFixture[str],
    tenant: UUID,
    event_log: PostgresEventLog,
    command: str,
    use: str,
) -> None:
    _, before = answer(capsys, "show")
    code, told = answer(capsys, command, "--tenant", str(tenant))
    assert code == 0
    changed = {
        name for name, one in roles(told).items() if one["keyIds"] != roles(before)[name]["keyIds"]
    }
    assert changed == ({"root"} if use == "root" else {"targets", "snapshot", "timestamp"})
    assert roles(told)["root"]["version"] == 2
    with acting(Cause(tenant, "key:test", "request:2", "2")):
        found = event_log.find(Tenant, tenant)
    assert found is not None
    assert found.version == 2


def test_a_key_of_ones_own_is_taken_by_its_uri(
    capsys: pytest.CaptureFixture[str], tenant: UUID, tmp_path: Path
) -> None:
    from securesystemslib.signer import CryptoSigner

    (tmp_path / "own.pem").write_bytes(CryptoSigner.generate_ecdsa().private_bytes)
    uri = f"file2:{tmp_path}/own.pem"
    code, told = answer(capsys, "rotate-root", "--key", uri)
    assert code == 0
    uris = {one["id"]: one["uri"] for one in told["repositories"][0]["keys"]}
    assert uris[roles(told)["root"]["keyIds"][0]] == uri


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--tenant", str(UUID(int=3))), "NOT_FOUND"),
        (("--tenant", "x"), "NOT_FOUND"),
        (("--key", "file2:/nowhere.pem"), "UNAVAILABLE"),
        (("--key", "odd:thing"), "INVALID"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    capsys: pytest.CaptureFixture[str], tenant: UUID, arguments: tuple[str, str], code: str
) -> None:
    _, before = answer(capsys, "show")
    status, told = answer(capsys, "rotate-root", *arguments)
    assert (status, told["error"]["code"]) == (1, code)
    assert answer(capsys, "show") == (0, before)


def test_files_are_taken_back(
    capsys: pytest.CaptureFixture[str], tenant: UUID, database: Database, tmp_path: Path
) -> None:
    repositories = repositories_of(fleet_settings({}, tmp_path), database)
    hashes = [f"{number:064x}" for number in range(3)]
    repositories.publish(tenant, [Target.of(one, 1) for one in hashes])
    whose = ("--tenant", str(tenant))
    assert answer(capsys, "withdraw", *whose)[1]["error"]["code"] == "USAGE"
    told = answer(capsys, "withdraw", *whose, "--before", "1234")[1]
    assert told["error"]["code"] == "INVALID"
    assert answer(capsys, "withdraw", *whose, "--before", "1d ago") == (0, {"withdrawn": 0})
    assert answer(capsys, "withdraw", *whose, "--sha256", hashes[0]) == (0, {"withdrawn": 1})
    assert repositories.published(tenant, hashes[0]) is None
    assert answer(capsys, "withdraw", *whose, "--before", "2999-01-01") == (0, {"withdrawn": 2})
