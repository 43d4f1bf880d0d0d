"""People sign in to a running platform: from the operator's first command to the last owner."""

import json
import subprocess
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.e2e.conftest import Up
from tests.e2e.running import EDGEWISE, Api
from tests.patience import PATIENCE, eventually

PASSWORD = "correct horse battery staple"
VIEWER = {"query": "{ viewer { actor role tenant { name } } }"}


def edgewise(up: Up, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    """A command on the platform's machine."""
    return subprocess.run(
        [EDGEWISE, *arguments],
        env={"EDGEWISE_HOME": str(up.home), "PATH": "/usr/bin:/bin", "HOME": str(up.home)},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def signed_in(api: Api, email: str) -> httpx.Client:
    """A browser; it sends the CSRF token along."""
    browser = httpx.Client(base_url=api.url, timeout=PATIENCE)
    answer = browser.post("/auth/sign-in", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    browser.headers["x-csrf-token"] = answer.json()["csrfToken"]
    return browser


@pytest.mark.timeout(8 * PATIENCE)  # a dozen commands, each a process that imports its world
def test_the_first_owner_signs_in_and_invites_the_next(up: Up) -> None:
    api = up.start()
    weak = edgewise(up, "user", "create", "ada@example.com", "--password-stdin", typed="secret\n")
    assert (weak.returncode, "15 or more" in weak.stderr) == (1, True), weak.stderr
    made = edgewise(
        up, "user", "create", "ada@example.com", "--name", "Ada", "--password-stdin",
        typed=f"{PASSWORD}\n",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert PASSWORD not in made.stdout + made.stderr

    answer = httpx.post(
        f"{api.url}/auth/sign-in", json={"email": "Ada@example.com", "password": PASSWORD}
    )
    cookie = SimpleCookie(answer.headers["set-cookie"])["edgewise_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
    assert answer.headers["cache-control"] == "no-store"

    def ready() -> httpx.Client | None:
        browser = signed_in(api, "ada@example.com")
        return browser if browser.get("/auth/session").json()["tenant"] else None

    ada = eventually(ready)
    assert ada is not None
    assert ada.post("/graphql", json=VIEWER).json()["data"]["viewer"]["role"] == "OWNER"
    forged = httpx.post(f"{api.url}/graphql", json=VIEWER, cookies=dict(ada.cookies))
    assert forged.status_code == 403

    invited = edgewise(up, "member", "invite", "bob@example.com", "--role", "viewer")
    assert invited.returncode == 0, invited.stderr
    token = parse_qs(urlsplit(invited.stdout.strip()).query)["token"][0]
    form = {"token": token, "name": "Bob", "password": PASSWORD}
    joined = httpx.post(f"{api.url}/auth/invitation", data=form, headers={"origin": api.url})
    assert joined.status_code == 303, joined.text
    bob = signed_in(api, "bob@example.com")
    refused = bob.post("/graphql", json={"query": "{ apiKeys(first: 1) { nodes { id } } }"})
    assert refused.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "access-refused.recorded" in [event["topic"] for event in api.events()]
    listed = json.loads(edgewise(up, "member", "list", "--json").stdout)
    assert {member["email"] for member in listed} == {"ada@example.com", "bob@example.com"}
    told = edgewise(up, "events", "tail")
    assert "access-refused.recorded" in told.stdout
    assert "example.com" not in told.stdout

    assert edgewise(up, "member", "invite", "eve@example.com").returncode == 0
    assert "eve@example.com" in edgewise(up, "member", "invitations").stdout
    assert edgewise(up, "member", "withdraw", "eve@example.com").returncode == 0
    assert "withdrawn" in edgewise(up, "member", "invitations").stdout

    last = edgewise(up, "member", "remove", "ada@example.com")
    assert (last.returncode, "last owner" in last.stderr) == (1, True)
    assert edgewise(up, "member", "role", "bob@example.com", "owner").returncode == 0
    assert bob.post("/graphql", json=VIEWER).json()["data"]["viewer"]["role"] == "OWNER"

    assert up.process is not None
    up.process.kill()
    up.start()
    assert ada.get("/auth/session").json()["user"]["name"] == "Ada"
    again = ["user", "password", "bob@example.com", "--password-stdin"]
    assert edgewise(up, *again, typed="four other good words\n").returncode == 0
    assert bob.get("/auth/session").status_code == 401
    erased = edgewise(up, "user", "erase", "ada@example.com", "--yes")
    assert erased.returncode == 0, erased.stderr
    assert ada.get("/auth/session").status_code == 401
    assert "ada@example.com" not in str(api.events())
