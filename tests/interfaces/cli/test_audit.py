"""`edgewise events verify|checkpoint|key|export --to`, on a database and away from one."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from infrastructure.event_store.postgres import PostgresEventLog
from interfaces.cli.main import run
from tests.services.postgres import TEST_SECRET
from tests.services.store_examples import busy_model, in_tenant

OURS, THEIRS = UUID(int=1), UUID(int=2)


@pytest.fixture
def home(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
    event_log: PostgresEventLog,
) -> Path:
    """An operator's machine, where a log of two tenants is: positions 1 to 8."""
    monkeypatch.setenv("EDGEWISE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EDGEWISE_SECRET", TEST_SECRET)
    monkeypatch.setenv("DATABASE_URL", database_url)
    for tenant in (OURS, THEIRS):
        with in_tenant(tenant):
            event_log.save(busy_model(3))
    return tmp_path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command with --json and gives its exit code and answer."""

    def call(*arguments: str | Path) -> tuple[int, Any]:
        code = run([*map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


def tamper(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(statement.encode())


def test_an_honest_log_is_exit_code_0(home: Path, said: Any) -> None:
    code, told = said("events", "verify")
    assert (code, told["ok"], told["events"], told["streams"]) == (0, True, 8, 2)


def test_a_changed_log_is_exit_code_1_and_said(
    home: Path, said: Any, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(database_url, "UPDATE events SET state = '{}' WHERE position = 3")
    code, told = said("events", "verify")
    (finding,) = told["findings"]
    assert (code, finding["flaw"], finding["position"], finding["version"]) == (1, "changed", 3, 3)
    assert run(["events", "verify"]) == 1
    assert f"position 3  {finding['stream']}/3" in capsys.readouterr().out


def test_a_cut_off_end_is_found_by_a_kept_checkpoint(
    home: Path, said: Any, database_url: str
) -> None:
    kept = home / "checkpoint.json"
    assert said("events", "checkpoint", "--to", kept)[0] == 0
    assert said("events", "verify", "--checkpoint", kept)[0] == 0
    tamper(database_url, "DELETE FROM events WHERE position = 8")
    assert said("events", "verify")[0] == 0
    code, told = said("events", "verify", "--checkpoint", kept)
    assert (code, told["findings"][0]["flaw"]) == (1, "truncated")


def test_nothing_is_signed_that_does_not_verify(home: Path, said: Any, database_url: str) -> None:
    tamper(database_url, "DELETE FROM events WHERE position = 2")
    for command in (["checkpoint"], ["export"]):
        code, told = said("events", *command, "--to", home / "out")
        assert (code, told["ok"]) == (1, False)
    assert not (home / "out").exists()
    assert [path.name for path in home.iterdir()] == ["home"]


@pytest.mark.parametrize("tenant", [None, THEIRS])
def test_an_export_is_verified_where_no_server_is(
    home: Path, said: Any, tenant: UUID | None
) -> None:
    export, key = home / "export.jsonl", home / "key.pub"
    options = [] if tenant is None else ["--tenant", str(tenant)]
    code, told = said("events", "export", "--to", export, *options)
    assert (code, told["events"]) == (0, 8 if tenant is None else 4)
    key.write_text(said("events", "key")[1]["key"])
    elsewhere = _offline("events", "verify", "--export", export, "--key", key, "--json")
    assert (elsewhere.returncode, json.loads(elsewhere.stdout)["ok"]) == (0, True)
    assert "no database was needed" in elsewhere.stderr
    export.write_text(export.read_text().replace("archived", "restored", 1))
    elsewhere = _offline("events", "verify", "--export", export, "--key", key, "--json")
    assert (elsewhere.returncode, json.loads(elsewhere.stdout)["ok"]) == (1, False)


def _offline(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """In a process with an empty environment, which says whether it loaded a database driver."""
    program = (
        "import sys; from interfaces.cli.main import run; code = run(sys.argv[1:]);"
        " loaded = {'psycopg', 'infrastructure', 'interfaces.bootstrap'} & set(sys.modules);"
        " print(loaded or 'no database was needed', file=sys.stderr); sys.exit(code)"
    )
    command: Sequence[str] = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={"HOME": "/nowhere"}
    )


def test_the_key_is_made_once_and_only_its_owner_reads_it(home: Path, said: Any) -> None:
    first, second = said("events", "key")[1], said("events", "key")[1]
    assert first == second
    assert (home / "home" / "checkpoint-key.pem").stat().st_mode & 0o777 == 0o600


def test_a_key_that_was_given_must_be_there_and_be_a_key(
    home: Path, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEWISE_CHECKPOINT_KEY", str(home / "no-key"))
    for _ in range(2):
        code, told = said("events", "key")
        assert (code, told["error"]["code"]) == (1, "INVALID")
        assert "EDGEWISE_CHECKPOINT_KEY" in told["error"]["message"]
        (home / "no-key").write_text("no key")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--export", "{there}", "--key", "nonsense"], "no public key"),
        (["--export", "{missing}", "--key", "{key}"], "No such file"),
        (["--export", "{there}", "--key", "{key}"], "cut off"),
        (["--checkpoint", "{there}"], "no JSON"),
        (["--checkpoint", "{missing}"], "No such file"),
        (["--export", "{there}"], "--key"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_remedy(
    home: Path, said: Any, options: list[str], words: str
) -> None:
    (home / "there").write_text("nothing in it")
    names = {"there": home / "there", "missing": home / "missing"}
    key = said("events", "key")[1]["key"]
    code, told = said("events", "verify", *(each.format(**names, key=key) for each in options))
    assert code in (1, 2)
    assert words in told["error"]["message"]


def test_an_unknown_tenant_has_an_empty_export(home: Path, said: Any) -> None:
    code, told = said("events", "export", "--to", home / "out", "--tenant", str(uuid4()))
    assert (code, told["events"]) == (0, 0)


def test_a_wrong_tenant_is_refused(home: Path, said: Any) -> None:
    code, told = said("events", "export", "--to", home / "out", "--tenant", "acme")
    assert (code, told["error"]["field"]) == (1, "tenant")


def test_a_database_that_was_never_migrated_is_said(
    home: Path, said: Any, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    code, told = said("events", "verify")
    assert code == 1
    assert "edgewise migrate" in told["error"]["message"]
