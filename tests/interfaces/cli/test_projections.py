"""What an operator sees of the projections, and does with them, on the installation itself."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from application.views.registry import VIEWS
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.event_store.postgres import PostgresEventLog
from infrastructure.following.follower import Follower
from infrastructure.following.projection import Projection
from infrastructure.postgres.database import Database
from interfaces.cli.main import run
from tests.services.postgres import TEST_SECRET
from tests.services.store_examples import in_tenant, new_model


@pytest.fixture(autouse=True)
def installation(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEWISE_HOME", str(tmp_path))
    monkeypatch.setenv("EDGEWISE_SECRET", TEST_SECRET)
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.fixture
def position(database: Database, event_log: PostgresEventLog) -> int:
    """The last position, which every view has reached."""
    with in_tenant(uuid4()):
        last = event_log.save(new_model("yolo"), new_model("ssd"))
    for view in VIEWS:
        follower = Follower(database, Projection(view), TypedMapper())
        for _ in range(3):
            follower.step()
    return last


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = run([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_list_tells_position_and_lag(capsys: pytest.CaptureFixture[str], position: int) -> None:
    code, told = answer(capsys, "projections", "list")
    assert code == 0
    assert {each["name"] for each in told["projections"]} == {view.name for view in VIEWS}
    assert {(each["position"], each["lag"]) for each in told["projections"]} == {(position, 0)}


def test_a_stopped_one_is_listed_with_its_reason(
    capsys: pytest.CaptureFixture[str], position: int, database_url: str
) -> None:
    with psycopg.connect(database_url) as owner:
        owner.execute(
            "UPDATE followers SET stopped_position = 7, stopped_topic = 'model.archived',"
            " stopped_error = 'ValueError: odd', stopped_since = now() WHERE name = 'models'"
        )
    assert run(["projections", "list"]) == 0
    told = capsys.readouterr().out
    assert "stopped at 7 (model.archived)" in told
    assert "ValueError: odd" in told


def test_all_are_rebuilt_and_agree(capsys: pytest.CaptureFixture[str], position: int) -> None:
    code, told = answer(capsys, "projections", "rebuild", "all")
    assert code == 0
    rows = {each["view"]: each["rows"] for each in told["rebuilt"]}
    assert rows["models"] == 2
    assert "dispatch" not in rows
    code, told = answer(capsys, "replay", "--check")
    assert (code, told["agree"]) == (0, True)


def test_a_row_that_was_tampered_with_is_named_and_the_exit_code_is_1(
    capsys: pytest.CaptureFixture[str], position: int, database_url: str
) -> None:
    with psycopg.connect(database_url) as owner:
        owner.execute("UPDATE models SET name = 'tampered' WHERE name = 'yolo'")
    code, told = answer(capsys, "replay", "--check")
    assert (code, told["agree"]) == (1, False)
    (found,) = [each["differences"] for each in told["projections"] if each["differences"]]
    assert [(each["table"], each["columns"]) for each in found] == [("models", ["name"])]
    assert (found[0]["live"]["name"], found[0]["replayed"]["name"]) == ("tampered", "yolo")
    assert run(["replay", "--check"]) == 1
    assert 'name is "tampered", replayed "yolo"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "code"), [("model", "NOT_FOUND"), ("dispatch", "INVALID"), ("../x", "NOT_FOUND")]
)
def test_what_cannot_be_rebuilt_is_refused_with_what_can(
    capsys: pytest.CaptureFixture[str], name: str, code: str
) -> None:
    exit_code, told = answer(capsys, "projections", "rebuild", name)
    assert exit_code == 1
    assert (told["error"]["code"], told["error"]["field"]) == (code, "name")
    assert "quotas, models" in told["error"]["message"]


def test_a_database_that_is_away_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    code, told = answer(capsys, "projections", "list")
    assert (code, told["error"]["code"]) == (1, "UNAVAILABLE")
