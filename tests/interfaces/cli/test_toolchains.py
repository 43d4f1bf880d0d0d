"""`edgewise toolchains`: an operator sees, installs and removes what conversions need."""

import json
from pathlib import Path
from typing import Any

import pytest

from infrastructure.toolchains.catalog import CATALOG
from interfaces.cli.main import run
from tests.infrastructure.tiny_toolchain import NAME, toolchain, wheel


@pytest.fixture(autouse=True)
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more toolchain, whose package is in a folder: there is no network."""
    made = wheel(tmp_path / "wheels")
    monkeypatch.setitem(CATALOG, "tiny", toolchain(tmp_path / "locks", made))
    monkeypatch.setenv("EDGEWISE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EDGEWISE_TOOLCHAINS", str(tmp_path / "toolchains"))
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.parent))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_NO_CACHE", "1")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    assert run(["toolchains", *words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def listed(capsys: pytest.CaptureFixture[str]) -> Any:
    found = told(capsys, "list")["toolchains"]
    return next(one for one in found if one["name"] == "tiny")


def test_one_is_installed_shown_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    before = listed(capsys)
    assert (before["installed"], before["bytes"], before["wanted"]) == (False, 0, [f"{NAME}>=1"])
    made = told(capsys, "install", "tiny")
    assert made["installed"]["installed"]
    assert Path(made["installed"]["python"]).exists()
    assert listed(capsys)["bytes"] > 0
    assert told(capsys, "remove", "tiny")["bytes"] > 0
    assert not listed(capsys)["installed"]


def test_a_person_sees_names_and_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["toolchains", "install", "tiny"]) == 0
    assert "tiny is installed" in capsys.readouterr().out
    assert run(["toolchains", "list"]) == 0
    shown = capsys.readouterr().out
    assert "tiny" in shown
    assert "What tests need." in shown


def test_an_unknown_name_is_refused_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for command in ("install", "remove"):
        error = told(capsys, command, "nothing", code=1)["error"]
        assert (error["code"], error["field"]) == ("NOT_FOUND", "name")
        assert "tiny" in error["message"]


def test_what_the_installer_says_is_told_with_the_remedy(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    error = told(capsys, "install", "tiny", code=1)["error"]
    assert error["code"] == "INSTALL_FAILED"
    assert NAME in error["message"]
    assert "docs/toolchains.md" in error["message"]
    assert not listed(capsys)["bytes"]


def test_a_folder_that_cannot_be_made_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDGEWISE_TOOLCHAINS", str(tmp_path / "file" / "below"))
    assert told(capsys, "install", "tiny", code=1)["error"]["code"] == "FILE"


def test_the_shell_completes_names(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_EDGEWISE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "edgewise toolchains install ti")
    monkeypatch.setenv("COMP_CWORD", "3")
    with pytest.raises(SystemExit):
        run([])
    assert "tiny" in capsys.readouterr().out
