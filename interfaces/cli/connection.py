"""Which server a command talks to, and with which token.

In this order: `--server` or EDGEWISE_SERVER; the installation that EDGEWISE_HOME names; the server
of the last `edgewise login`; the installation in the default data folder. A token is only ever
sent to the server that it was stored for.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from interfaces.cli.refused import CommandRefused

CREDENTIALS_FILE = "credentials.json"
LOGINS_FILE = "logins.json"


@dataclass(frozen=True, slots=True)
class Server:
    """An address without a slash at its end, and an API key. `origin` says where it was found."""

    url: str
    token: str
    origin: str = "given"

    def __repr__(self) -> str:
        return f"Server({self.url!r}, origin={self.origin!r})"


def data_folder() -> Path:
    """Where the local installation keeps its data."""
    return _folder("EDGEWISE_HOME", "XDG_DATA_HOME", ".local/share")


def config_folder() -> Path:
    """Where logins are kept."""
    return _folder("EDGEWISE_CONFIG_HOME", "XDG_CONFIG_HOME", ".config")


def state_folder() -> Path:
    """Where unfinished pushes and downloads are remembered."""
    return _folder("EDGEWISE_STATE_HOME", "XDG_STATE_HOME", ".local/state")


def find_server(url: str | None, token: str | None) -> Server:
    """Refuses NO_SERVER or NO_TOKEN, saying what to do."""
    if url:
        return _named(checked_url(url), token)
    found = _local(explicit=True) or _logged_in() or _local(explicit=False)
    if found is None:
        raise CommandRefused(
            "NO_SERVER",
            "No server is known. Start one with `edgewise up`, or sign in to one with "
            "`edgewise login URL`, or give --server and --token.",
            "server",
        )
    return Server(found.url, token, "token given") if token else found


def checked_url(url: str) -> str:
    """The address of a server without a slash at its end. Refuses INVALID."""
    url = url.strip().rstrip("/")
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https") or not rest:
        raise CommandRefused(
            "INVALID", f"“{url}” is no address. Give one such as http://127.0.0.1:8000.", "server"
        )
    return url


def remember_login(server: Server) -> Path:
    """Stores the token, readable by this user only, and makes the server the current one."""
    logins = _read(config_folder() / LOGINS_FILE)
    tokens = dict(logins.get("tokens") or {})
    tokens[server.url] = server.token
    return _write({"current": server.url, "tokens": tokens})


def forget_login(url: str | None) -> str | None:
    """Forgets the token of a server, the current one by default; gives its address."""
    logins = _read(config_folder() / LOGINS_FILE)
    tokens = dict(logins.get("tokens") or {})
    url = url or logins.get("current")
    if url is None or tokens.pop(url, None) is None:
        return None
    current = None if logins.get("current") == url else logins.get("current")
    _write({"current": current, "tokens": tokens})
    return url


def _named(url: str, token: str | None) -> Server:
    if token:
        return Server(url, token)
    logins = _read(config_folder() / LOGINS_FILE)
    stored = (logins.get("tokens") or {}).get(url)
    if stored:
        return Server(url, stored, "login")
    for explicit in (True, False):
        local = _local(explicit=explicit)
        if local is not None and local.url == url:
            return local
    raise CommandRefused(
        "NO_TOKEN",
        f"No token is known for {url}. Give --token or EDGEWISE_TOKEN, or run "
        f"`edgewise login {url}`.",
        "token",
    )


def _logged_in() -> Server | None:
    logins = _read(config_folder() / LOGINS_FILE)
    url = logins.get("current")
    token = (logins.get("tokens") or {}).get(url)
    return Server(url, token, "login") if url and token else None


def _local(*, explicit: bool) -> Server | None:
    if explicit != bool(os.environ.get("EDGEWISE_HOME")):
        return None
    held = _read(data_folder() / CREDENTIALS_FILE)
    if not held.get("url") or not held.get("token"):
        return None
    return Server(str(held["url"]).rstrip("/"), str(held["token"]), str(data_folder()))


def _folder(own: str, xdg: str, below_home: str) -> Path:
    if os.environ.get(own):
        return Path(os.environ[own]).expanduser()
    base = os.environ.get(xdg)
    return (Path(base) if base else Path.home() / below_home) / "edgewise"


def _read(path: Path) -> dict[str, Any]:
    try:
        held = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}


def _write(held: dict[str, Any]) -> Path:
    path = config_folder() / LOGINS_FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Never readable by others, not even between creation and chmod, and never half written.
    beside = path.with_name(f".{LOGINS_FILE}.{uuid4().hex}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(held, file, indent=1)
    os.replace(beside, path)
    return path
