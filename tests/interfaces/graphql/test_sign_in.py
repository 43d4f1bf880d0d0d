"""Signing in over HTTP: what a cookie may do, what a page must prove, and what ends a session."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from application.platform import Platform
from application.ports.listening import ACCESS
from application.sign_in import OF_ACCOUNT, OF_ADDRESS, Caller, csrf_token, proven
from domain.principal import Role
from domain.user import TooManyTries
from infrastructure.following.follower import Follower
from infrastructure.passwords import Argon2Passwords
from infrastructure.people.in_postgres import people_in
from infrastructure.postgres.database import Database
from infrastructure.postgres.listener import PostgresListener
from tests.interfaces.graphql.serving import PASSWORD, Browser, Served, serving
from tests.patience import eventually

VIEWER = "{ viewer { actor role tenant { name } } }"
WS = ["graphql-transport-ws"]


@pytest.fixture(params=["https://edgewise.test"])
def served(
    request: pytest.FixtureRequest,
    platform: Platform,
    pools: Database,
    listener: PostgresListener,
    followers: dict[str, Follower],
) -> Iterator[Served]:
    with serving(platform, pools, listener, request.param) as served:
        yield served


def signed_in(served: Served, email: str = "ada@example.com") -> Browser:
    browser = served.browser()
    assert browser.sign_in(email).status_code == 200
    return browser


def test_over_https_the_cookie_is_locked_to_this_host(served: Served) -> None:
    served.user("ada@example.com", served.tenant()[0])
    cookie = served.browser().sign_in().headers["set-cookie"]
    name, _, flags = cookie.partition("=")
    assert name == "__Host-edgewise_session"
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= set(
        flags.lower().replace("; ", ";").split(";")
    )
    assert "domain" not in flags.lower()


@pytest.mark.parametrize("served", ["http://edgewise.test"], indirect=True)
def test_over_http_the_cookie_is_as_strict_as_it_can_be(served: Served) -> None:
    served.user("ada@example.com", served.tenant()[0])
    cookie = served.browser().sign_in().headers["set-cookie"].lower()
    assert cookie.startswith("edgewise_session=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie


def test_whoever_is_signed_in_asks_as_themselves(served: Served) -> None:
    user = served.user("ada@example.com", served.tenant()[0])
    browser = signed_in(served)
    told = browser.session()
    assert told["user"] == {"id": str(user.id), "email": "ada@example.com", "name": "Ada"}
    assert (told["tenant"]["name"], told["tenant"]["role"]) == ("Acme", "OPERATOR")
    assert browser.data(VIEWER) == {
        "actor": f"user:{user.id}",
        "role": "OPERATOR",
        "tenant": {"name": "Acme"},
    }


def test_the_secret_is_stored_nowhere(served: Served, pools: Database) -> None:
    served.user("ada@example.com", served.tenant()[0])
    browser = signed_in(served)
    (secret,) = [cookie.value for cookie in browser.http.cookies.jar]
    with pools.system() as connection:
        rows = [connection.execute(f"SELECT * FROM {t}".encode()).fetchall()
                for t in ("users", "sessions", "throttles")]  # fmt: skip
    assert secret is not None
    assert secret not in str(rows)
    assert browser.token not in str(rows)
    assert PASSWORD not in str(rows)
    assert "$argon2id$" in str(rows)


@pytest.mark.parametrize("token", [None, "", "wrong", "é", csrf_token("another secret")])
def test_by_cookie_without_the_token_a_request_is_refused(
    served: Served, token: str | None
) -> None:
    served.user("ada@example.com", served.tenant()[0])
    browser = signed_in(served)
    right, browser.token = browser.token, ""
    headers = {"tus-resumable": "1.0.0"}
    if token is not None:
        headers["x-csrf-token"] = token.encode()  # type: ignore[assignment]
    for path in ("/graphql", "/uploads", "/auth/sign-out", "/auth/tenant", "/auth/password"):
        answer = browser.http.post(path, json={"query": VIEWER}, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN"), path
    browser.token = right
    assert browser.graphql(VIEWER).status_code == 200


def test_a_foreign_page_is_refused_even_with_the_token(served: Served) -> None:
    served.user("ada@example.com", served.tenant()[0])
    browser = signed_in(served)
    for origin in ("https://evil.test", "null", "https://edgewise.test.evil.test", "file://"):
        assert browser.graphql(VIEWER, origin=origin).status_code == 403
        assert browser.post("/auth/sign-out", origin=origin).status_code == 403
    assert browser.graphql(VIEWER, origin="https://edgewise.test").status_code == 200


def test_a_foreign_page_cannot_sign_a_browser_in(served: Served) -> None:
    served.user("ada@example.com", served.tenant()[0])
    given = {"email": "ada@example.com", "password": PASSWORD}
    http = served.browser().http
    for headers in ({"origin": "https://evil.test"}, {"origin": "null"}, {}):
        assert http.post("/auth/sign-in", data=given, headers=headers).status_code == 403
    plain = {"content-type": "text/plain"}
    answer = http.post("/auth/sign-in", content='{"email": "x", "password": "y"}', headers=plain)
    assert answer.status_code == 400


def connect(browser: Browser, **headers: str) -> Any:
    url = f"{browser.served.url.replace('http', 'ws')}/graphql"
    return browser.http.websocket_connect(url, WS, headers=headers)


def refuses(browser: Browser, **headers: str) -> bool:
    try:
        with connect(browser, **headers) as socket:
            socket.send_json({"type": "connection_init"})
            return bool(socket.receive_json()["type"] != "connection_ack")
    except WebSocketDisconnect:
        return True


def test_a_socket_opens_by_cookie_for_our_own_pages_alone(served: Served) -> None:
    user = served.user("ada@example.com", served.tenant()[0])
    browser = signed_in(served)
    with connect(browser, origin="https://edgewise.test") as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json()["type"] == "connection_ack"
        socket.send_json({"type": "subscribe", "id": "1", "payload": {"query": VIEWER}})
        answer = socket.receive_json()
        assert answer["payload"]["data"]["viewer"]["actor"] == f"user:{user.id}"
    for headers in ({"origin": "https://evil.test"}, {"origin": "null"}, {}):
        assert refuses(browser, **headers)


def closed(socket: Any) -> bool:
    """Whether the socket is closed by the server, as soon as it has told what was on its way."""
    try:
        while True:
            socket.receive_json()
    except WebSocketDisconnect:
        return True


@pytest.mark.parametrize("end", ["sign-out", "role", "removal"])
def test_an_open_socket_ends_with_the_session_or_the_role(served: Served, end: str) -> None:
    tenant_id, key = served.tenant()
    user = served.user("ada@example.com", tenant_id)
    browser, owner = signed_in(served), served.browser(authorization=f"Bearer {key}")
    with connect(browser, origin=served.url) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json()["type"] == "connection_ack"
        if end == "sign-out":
            browser.post("/auth/sign-out")
        elif end == "role":
            change = 'mutation { memberRoleChange(userId: "%s", role: VIEWER) { eventPosition } }'
            owner.data(change % user.id)
        else:
            remove = 'mutation { memberRemove(userId: "%s") { eventPosition } }'
            owner.data(remove % user.id)
        assert closed(socket)


def test_a_key_goes_before_a_cookie_and_needs_no_token(served: Served) -> None:
    tenant_id, key = served.tenant()
    served.user("ada@example.com", tenant_id)
    browser = signed_in(served)
    browser.token = ""
    answer = browser.graphql(VIEWER, authorization=f"Bearer {key}")
    assert answer.json()["data"]["viewer"]["actor"].startswith("key:")
    assert browser.graphql(VIEWER, authorization="Bearer ew_wrong").status_code == 401


def test_a_wrong_password_and_an_unknown_address_sound_alike(served: Served) -> None:
    served.user("ada@example.com", served.tenant()[0])
    browser = served.browser()
    wrong = browser.sign_in(password="not it, not it, not it")
    unknown = browser.sign_in("bob@example.com")
    assert (wrong.status_code, wrong.json()) == (401, unknown.json())
    assert "set-cookie" not in wrong.headers


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": 1, "password": 2},
        {"email": "a@b.c"},
        {"email": "a\0@b.c", "password": "x\0"},
        {"email": "\ud800@b.c", "password": "\ud800"},
        {"email": "' OR 1=1 --", "password": "{{7*7}}"},
        {"email": "x" * 9000, "password": "y" * 9000},
        [],
        "text",
    ],
)
def test_nonsense_is_refused_in_words(served: Served, body: Any) -> None:
    import json

    answer = served.browser().http.post(
        "/auth/sign-in",
        content=json.dumps(body),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code in (400, 401)
    assert answer.json()["error"]["message"]


def test_a_body_that_is_too_long_is_cut_off(served: Served) -> None:
    answer = served.browser().post("/auth/sign-in", {"email": "x" * 30_000, "password": ""})
    assert answer.status_code == 413


def test_passwords_of_one_account_are_tried_so_often_and_no_more(served: Served) -> None:
    tenant_id, key = served.tenant()
    user = served.user("ada@example.com", tenant_id)
    browser = served.browser()
    for _ in range(OF_ACCOUNT.burst):
        assert browser.sign_in(password="a wrong password, again").status_code == 401
    blocked = browser.sign_in()  # the right one: not even looked at
    assert blocked.status_code == 429
    assert blocked.json()["error"]["code"] == "RATE_LIMITED"
    assert 0 < int(blocked.headers["retry-after"]) <= OF_ACCOUNT.every.total_seconds() + 1
    assert browser.sign_in("bob@example.com").status_code == 401
    blocked = browser.sign_in()
    query = "{ events(first: 100) { nodes { topic data } } }"
    events = browser.graphql(query, authorization=f"Bearer {key}").json()["data"]["events"]["nodes"]
    told = [event["data"]["user_id"] for event in events
            if event["topic"] == "sign-ins-blocked.recorded"]  # fmt: skip
    assert told == [str(user.id)]


def test_an_unknown_account_is_blocked_as_a_known_one_is(served: Served) -> None:
    browser = served.browser()
    answers = [browser.sign_in("nobody@example.com") for _ in range(OF_ACCOUNT.burst + 1)]
    assert [answer.status_code for answer in answers] == [401] * OF_ACCOUNT.burst + [429]


def test_one_address_cannot_try_many_accounts(served: Served) -> None:
    browser = served.browser()
    codes = [browser.sign_in(f"{number}@example.com").status_code
             for number in range(OF_ADDRESS.burst + 1)]  # fmt: skip
    assert codes == [401] * OF_ADDRESS.burst + [429]


def test_tries_are_remembered_by_all_processes_and_forgiven_by_signing_in(
    served: Served, pools: Database
) -> None:
    served.user("ada@example.com", served.tenant()[0])
    for _ in range(OF_ACCOUNT.burst - 1):
        served.browser().sign_in(password="a wrong password, again")
    assert served.browser().sign_in().status_code == 200
    for _ in range(OF_ACCOUNT.burst):
        assert served.browser().sign_in(password="a wrong password, again").status_code == 401
    another = replace(served.platform, users=people_in(pools, served.url))
    with pytest.raises(TooManyTries):
        proven(another, Caller("192.0.2.1"), "ada@example.com", PASSWORD)


def test_signing_out_ends_the_session_for_good(served: Served) -> None:
    served.user("ada@example.com", served.tenant()[0])
    browser, other = signed_in(served), signed_in(served)
    stolen = dict(browser.http.cookies)
    out = browser.post("/auth/sign-out")
    assert out.status_code == 204
    assert 'session=""; ' in out.headers["set-cookie"]
    thief = served.browser()
    thief.http.cookies.update(stolen)
    assert thief.http.get("/auth/session").status_code == 401
    assert other.session()["user"]["name"] == "Ada"
    assert other.post("/auth/sign-out", {"everywhere": True}).status_code == 204
    assert other.http.get("/auth/session").status_code == 401


def test_each_sign_in_has_a_new_secret_and_ends_the_one_before(served: Served) -> None:
    user = served.user("ada@example.com", served.tenant()[0])
    browser = signed_in(served)
    first, token = dict(browser.http.cookies), browser.token
    assert browser.sign_in().status_code == 200
    assert dict(browser.http.cookies) != first
    assert browser.token != token
    sessions = served.platform.people.sessions
    assert len(sessions.of_user(user.id, served.platform.now())) == 1


def test_a_cookie_that_somebody_planted_signs_nobody_in(served: Served) -> None:
    served.user("ada@example.com", served.tenant()[0])
    fresh = served.browser()
    fresh.http.cookies.set("__Host-edgewise_session", "planted")
    assert fresh.http.get("/auth/session").status_code == 401


def test_a_session_is_listed_and_revoked_by_its_user_alone(served: Served) -> None:
    tenant_id, key = served.tenant()
    served.user("ada@example.com", tenant_id)
    served.user("bob@example.com", tenant_id)
    ada, phone, bob = signed_in(served), signed_in(served), signed_in(served, "bob@example.com")
    listed = ada.data("{ sessions { id current agent address } }")
    assert [row["current"] for row in listed] == [False, True]
    revoke = 'mutation { sessionRevoke(sessionId: "%s") { ended userErrors { code } } }'
    gone = bob.data(revoke % listed[0]["id"])
    assert gone == {"ended": None, "userErrors": [{"code": "NOT_FOUND"}]}
    assert ada.data(revoke % listed[0]["id"]) == {"ended": 1, "userErrors": []}
    assert phone.http.get("/auth/session").status_code == 401
    signed_in(served)
    assert ada.data("mutation { sessionsRevoke { ended } }") == {"ended": 1}
    asked = ada.graphql("{ sessions { id } }", authorization=f"Bearer {key}").json()
    assert asked["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_the_end_of_a_session_is_told_on_the_channel(served: Served) -> None:
    told: list[str | None] = []
    served.listener.subscribe(ACCESS, told.append)
    served.user("ada@example.com", served.tenant()[0])
    browser = await asyncio.to_thread(signed_in, served)
    session = (await asyncio.to_thread(browser.session))["session"]["id"]
    await asyncio.to_thread(browser.post, "/auth/sign-out")
    await asyncio.to_thread(eventually, lambda: f"session {session}" in told)


def test_a_session_acts_in_one_tenant_and_changes_its_secret_with_it(served: Served) -> None:
    acme, other, foreign = (served.tenant(name)[0] for name in ("Acme", "Other", "Foreign"))
    served.user("ada@example.com", acme, other)
    browser = signed_in(served)
    before = dict(browser.http.cookies)
    assert browser.data(VIEWER)["tenant"] == {"name": "Acme"}
    assert browser.post("/auth/tenant", {"tenantId": str(other)}).status_code == 200
    assert browser.data(VIEWER)["tenant"] == {"name": "Other"}
    assert dict(browser.http.cookies) != before
    for bad, status in ((str(foreign), 404), ("nonsense", 400), ("", 400)):
        assert browser.post("/auth/tenant", {"tenantId": bad}).status_code == status
    old = served.browser()
    old.http.cookies.update(before)
    assert old.http.get("/auth/session").status_code == 401


def test_a_role_is_what_it_is_now_and_a_member_who_is_gone_acts_nowhere(served: Served) -> None:
    tenant_id, key = served.tenant()
    user = served.user("ada@example.com", tenant_id)
    browser, owner = signed_in(served), served.browser(authorization=f"Bearer {key}")
    change = 'mutation { memberRoleChange(userId: "%s", role: VIEWER) { member { role } } }'
    assert owner.data(change % user.id) == {"member": {"role": "VIEWER"}}
    assert browser.data(VIEWER)["role"] == "VIEWER"
    remove = 'mutation { memberRemove(userId: "%s") { eventPosition } }'
    owner.data(remove % user.id)
    answer = browser.graphql(VIEWER)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert browser.session()["tenant"] is None


def test_another_password_ends_the_other_sessions(served: Served) -> None:
    served.user("ada@example.com", served.tenant()[0])
    browser, phone = signed_in(served), signed_in(served)
    new = "entirely new words here"

    def change(current: str, new: str) -> Any:
        return browser.post("/auth/password", {"currentPassword": current, "newPassword": new})

    wrong = change("not the current one", new)
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (400, "currentPassword")
    short = change(PASSWORD, "short")
    assert (short.status_code, short.json()["error"]["field"]) == (400, "newPassword")
    assert change(PASSWORD, new).status_code == 200
    assert browser.session()["user"]["name"] == "Ada"
    assert phone.http.get("/auth/session").status_code == 401
    assert served.browser().sign_in().status_code == 401
    assert served.browser().sign_in(password=new).status_code == 200


def test_a_hash_with_other_parameters_is_made_anew(served: Served, pools: Database) -> None:
    user = served.user("ada@example.com", served.tenant()[0])
    old = Argon2Passwords(time_cost=2, memory_kib=128).hash(PASSWORD)
    served.platform.people.table.set_password(user.id, old)
    signed_in(served)
    kept = served.platform.people.table.by_email("ada@example.com")
    assert kept is not None
    assert kept.password_hash is not None
    assert "m=64,t=1,p=1" in kept.password_hash
    signed_in(served)


def test_an_idle_session_ends(served: Served, pools: Database) -> None:
    served.user("ada@example.com", served.tenant()[0])
    browser = signed_in(served)
    with pools.system() as connection:
        connection.execute("UPDATE sessions SET seen_at = seen_at - %s", (timedelta(hours=13),))
    assert browser.graphql(VIEWER).status_code == 401
    assert browser.sign_in().status_code == 200


def invited(served: Served, key: str, email: str) -> str:
    """The path of the link."""
    owner = served.browser(authorization=f"Bearer {key}")
    invite = 'mutation { memberInvite(email: "%s", role: OPERATOR) { url } }'
    url: str = owner.data(invite % email)["url"]
    assert url.startswith(f"{served.url}/invitation?token=ewi_")
    return url.removeprefix(served.url)


def field_in(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def token_in(page: str) -> str:
    return field_in(page, "token")


def test_an_invitation_is_taken_on_its_page(served: Served) -> None:
    _, key = served.tenant()
    path, browser = invited(served, key, "new@example.com"), served.browser()
    page = browser.http.get(path)
    assert "script" not in page.text
    assert page.headers["referrer-policy"] == "same-origin"
    token = token_in(page.text)
    short = browser.form("/auth/invitation", token=token, name="New", password="short")
    assert (short.status_code, "15 or more" in short.text) == (400, True)
    done = browser.form("/auth/invitation", token=token, name="New", password=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/sign-in")
    assert browser.session()["tenant"]["name"] == "Acme"
    again = served.browser().form("/auth/invitation", token=token, name="X", password=PASSWORD)
    assert again.status_code == 409
    assert served.browser().http.get(path).status_code == 409


def test_an_invitation_of_a_known_address_needs_its_password(served: Served) -> None:
    _, key = served.tenant()
    served.user("ada@example.com")
    token = token_in(served.browser().http.get(invited(served, key, "Ada@example.com")).text)
    browser = served.browser()
    for password in ("", "a password of another"):
        wrong = browser.post("/auth/invitation", {"token": token, "password": password})
        assert wrong.status_code == 401
    joined = browser.post("/auth/invitation", {"token": token, "password": PASSWORD})
    assert joined.json()["tenant"]["role"] == "OPERATOR"


def test_whoever_is_signed_in_takes_an_invitation_without_a_password(served: Served) -> None:
    _, key = served.tenant()
    served.user("ada@example.com")
    browser = signed_in(served)
    assert browser.session()["tenant"] is None
    token = token_in(served.browser().http.get(invited(served, key, "ada@example.com")).text)
    right, browser.token = browser.token, ""
    assert browser.post("/auth/invitation", {"token": token}).status_code == 403
    browser.token = right
    assert browser.post("/auth/invitation", {"token": token}).status_code == 200
    assert browser.data(VIEWER)["tenant"] == {"name": "Acme"}


@pytest.mark.parametrize("token", ["", "nonsense", "\0", "<script>alert(1)</script>"])
def test_a_link_that_is_none_opens_nothing(served: Served, token: str) -> None:
    page = served.browser().http.get("/invitation", params={"token": token})
    assert page.status_code == 409
    assert "<script>" not in page.text
    answer = served.browser().post("/auth/invitation", {"token": token, "password": PASSWORD})
    assert answer.json()["error"]["code"] == "INVALID_STATE"


def test_the_form_signs_in_and_says_what_is_wrong(served: Served) -> None:
    served.user("ada@example.com", served.tenant()[0])
    browser = served.browser()
    page = browser.http.get("/sign-in")
    assert "script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    wrong = browser.form("/auth/sign-in", email="ada@example.com", password="wrong words, sorry")
    assert (wrong.status_code, "is wrong" in wrong.text) == (401, True)
    done = browser.form("/auth/sign-in", email="ada@example.com", password=PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/sign-in")
    page = browser.http.get("/sign-in")
    assert "Ada" in page.text
    assert "Acme" in page.text
    out = browser.form("/auth/sign-out", csrfToken=field_in(page.text, "csrfToken"))
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert browser.http.get("/auth/session").status_code == 401
    assert 'name="password"' in browser.http.get("/sign-in").text


def test_an_erased_user_is_signed_out_everywhere(served: Served) -> None:
    from application.commands.user import erase_user

    user = served.user("ada@example.com", served.tenant()[0], role=Role.OPERATOR)
    browser = signed_in(served)
    erase_user(served.platform, user.id)
    assert browser.http.get("/auth/session").status_code == 401
    assert served.browser().sign_in().status_code == 401
