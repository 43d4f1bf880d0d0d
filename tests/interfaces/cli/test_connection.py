"""Which server a command talks to, and that a token goes to no other."""

import json
import stat
from pathlib import Path

import pytest

from interfaces.cli.connection import Server, find_server, forget_login, remember_login
from interfaces.cli.refused import CommandRefused

LOCAL = "http://127.0.0.1:8080"
REMOTE = "https://edge.example.com"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("EDGEWISE_HOME", "EDGEWISE_SERVER", "EDGEWISE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("EDGEWISE_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def install(folder: Path, token: str = "local") -> None:
    folder.mkdir(parents=True)
    (folder / "credentials.json").write_text(json.dumps({"url": LOCAL + "/", "token": token}))


def test_without_anything_it_says_what_to_do() -> None:
    with pytest.raises(CommandRefused) as refused:
        find_server(None, None)
    assert refused.value.code == "NO_SERVER"
    assert "edgewise up" in refused.value.message


def test_the_local_installation_is_found(folders: Path) -> None:
    install(folders / "data" / "edgewise")
    server = find_server(None, None)
    assert (server.url, server.token) == (LOCAL, "local")


def test_a_login_goes_before_the_default_installation(folders: Path) -> None:
    install(folders / "data" / "edgewise")
    remember_login(Server(REMOTE, "remote"))
    assert find_server(None, None).url == REMOTE


def test_the_installation_that_is_named_goes_before_a_login(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(folders / "named", "named")
    monkeypatch.setenv("EDGEWISE_HOME", str(folders / "named"))
    remember_login(Server(REMOTE, "remote"))
    assert find_server(None, None).token == "named"


def test_a_token_is_not_sent_to_another_server(folders: Path) -> None:
    install(folders / "data" / "edgewise")
    remember_login(Server(REMOTE, "remote"))
    with pytest.raises(CommandRefused) as refused:
        find_server("https://evil.example.com", None)
    assert (refused.value.code, refused.value.field) == ("NO_TOKEN", "token")


def test_a_known_server_needs_no_token(folders: Path) -> None:
    install(folders / "data" / "edgewise")
    remember_login(Server(REMOTE, "remote"))
    assert find_server(REMOTE + "/", None).token == "remote"
    assert find_server(LOCAL, None).token == "local"


def test_logins_are_readable_by_their_owner_only() -> None:
    path = remember_login(Server(REMOTE, "remote"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_forgotten_login_is_gone() -> None:
    remember_login(Server(REMOTE, "remote"))
    assert forget_login(None) == REMOTE
    assert forget_login(REMOTE) is None
    with pytest.raises(CommandRefused):
        find_server(None, None)


def test_a_broken_file_is_no_login(folders: Path) -> None:
    (folders / "config").mkdir()
    (folders / "config" / "logins.json").write_text('{"current": ')
    with pytest.raises(CommandRefused):
        find_server(None, None)


@pytest.mark.parametrize("url", ["", "edge.example.com", "ftp://x", "http://"])
def test_an_address_is_http(url: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        find_server(url or "x", "token")
    assert refused.value.field == "server"


def test_a_token_does_not_show_in_a_trace() -> None:
    assert "secret" not in repr(Server(LOCAL, "secret"))
