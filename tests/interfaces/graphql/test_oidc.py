"""Signing in through an OpenID provider: a certified one that is a process of its own, and one that
lies in every way there is."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx import Response
from joserfc.jwk import OctKey, RSAKey

from application.oidc_sign_in import CALLBACK, LIFETIME, Oidc
from application.platform import Platform
from infrastructure.following.follower import Follower
from infrastructure.oidc import Client, OidcProvider
from infrastructure.people.memory import MemoryFlows
from infrastructure.postgres.database import Database
from infrastructure.postgres.listener import PostgresListener
from infrastructure.postgres.oidc_flows import PostgresFlows
from tests.interfaces.graphql.serving import PASSWORD, Browser, Served, serving
from tests.interfaces.graphql.test_sign_in import invited, signed_in, token_in
from tests.patience import eventually
from tests.services.oidc_provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    LyingProvider,
    OwnOidcProvider,
    consent,
    signed,
)

URL = "http://edgewise.test"
BACK = f"{URL}{CALLBACK}"
Serve = Callable[..., Served]


@pytest.fixture(scope="module")
def certified() -> Iterator[OwnOidcProvider]:
    provider = OwnOidcProvider(BACK)
    provider.start()
    yield provider
    provider.kill()


@pytest.fixture
def lying() -> Iterator[LyingProvider]:
    provider = LyingProvider()
    yield provider
    provider.close()


@pytest.fixture
def serve(
    platform: Platform,
    pools: Database,
    listener: PostgresListener,
    followers: dict[str, Follower],
) -> Iterator[Serve]:
    from contextlib import ExitStack

    with ExitStack() as closing:

        def served(issuer: str, *, anyone: bool = False) -> Served:
            client = Client(issuer, CLIENT_ID, CLIENT_SECRET, "Example")
            oidc = Oidc(OidcProvider(client), PostgresFlows(pools), anyone)
            app = serving(platform, pools, listener, URL, lambda api: replace(api, oidc=oidc))
            return closing.enter_context(app)

        yield served


def away(browser: Browser, **query: str) -> str:
    """Where the browser is sent."""
    answer = browser.http.get("/auth/oidc/start", params=query)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def back(browser: Browser, address: str) -> Response:
    return browser.http.get(address.removeprefix(URL))


def through(browser: Browser, login: str, **query: str) -> Response:
    """Away to the certified provider and back."""
    return back(browser, consent(away(browser, **query), login, BACK))


def lied_to(browser: Browser, lying: LyingProvider, **changes: str) -> Response:
    code, state = lying.code_for(away(browser))
    return browser.http.get(CALLBACK, params={"code": code, "state": state} | changes)


def invitation(served: Served, email: str) -> tuple[str, str]:
    """The secret of an invitation into a new tenant, and an owner's key there."""
    _, key = served.tenant()
    return token_in(served.browser().http.get(invited(served, key, email)).text), key


def test_an_invited_user_of_the_provider_joins_and_comes_back(
    serve: Serve, certified: OwnOidcProvider
) -> None:
    served = serve(certified.issuer)
    secret, _ = invitation(served, "ada@example.com")
    browser = served.browser()
    url = away(browser, invitation=secret)
    asked = parse_qs(urlsplit(url).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    joined = back(browser, consent(url, "ada", BACK))
    assert (joined.status_code, joined.headers.get("location")) == (303, "/sign-in"), joined.text
    told = browser.session()
    assert told["user"] | {"id": ""} == {
        "id": "", "email": "ada@example.com", "name": "The user ada",
    }  # fmt: skip
    assert told["tenant"]["role"] == "OPERATOR"
    again = served.browser()
    assert through(again, "ada").status_code == 303
    assert again.session()["user"] == told["user"]


def test_a_stranger_is_turned_away_unless_anyone_is_let_in(
    serve: Serve, certified: OwnOidcProvider
) -> None:
    served = serve(certified.issuer)
    refused = through(served.browser(), "stranger")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert served.platform.people.table.by_email("stranger@example.com") is None


def test_anyone_with_a_verified_address_may_be_let_in(
    serve: Serve, certified: OwnOidcProvider
) -> None:
    served = serve(certified.issuer, anyone=True)
    browser = served.browser()
    assert through(browser, "stranger").status_code == 303
    assert browser.session()["tenant"] is None
    refused = through(served.browser(), "unverified-stranger")
    assert refused.status_code == 403


def test_an_account_is_not_taken_over_by_its_address(
    serve: Serve, certified: OwnOidcProvider
) -> None:
    served = serve(certified.issuer, anyone=True)
    served.user("ada@example.com", served.tenant()[0])
    browser = served.browser()
    refused = through(browser, "ada")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "NAME_TAKEN")
    assert browser.http.get("/auth/session").status_code == 401
    secret, _ = invitation(served, "ada@example.com")
    assert through(browser, "ada", invitation=secret).status_code == 409


def test_a_user_links_the_provider_once_and_then_signs_in_by_it(
    serve: Serve, certified: OwnOidcProvider
) -> None:
    served = serve(certified.issuer)
    ada = served.user("ada.l@example.com", served.tenant()[0])
    served.user("bob@example.com")
    browser = signed_in(served, "ada.l@example.com")
    right, browser.token = browser.token, ""
    assert browser.post("/auth/oidc/link").status_code == 403
    browser.token = right
    url = browser.post("/auth/oidc/link").json()["url"]
    assert back(browser, consent(url, "ada", BACK)).status_code == 303
    other = served.browser()
    assert through(other, "ada").status_code == 303
    assert other.session()["user"]["id"] == str(ada.id)
    bob = signed_in(served, "bob@example.com")
    url = bob.post("/auth/oidc/link").json()["url"]
    assert back(bob, consent(url, "ada", BACK)).status_code == 409


def test_an_invitation_is_for_its_verified_address(
    serve: Serve, certified: OwnOidcProvider
) -> None:
    served = serve(certified.issuer)
    for login in ("eve", "unverified-ada"):
        secret, _ = invitation(served, "unverified-ada@example.com")
        assert through(served.browser(), login, invitation=secret).status_code == 403


def test_a_code_and_a_state_are_good_once(serve: Serve, certified: OwnOidcProvider) -> None:
    served = serve(certified.issuer, anyone=True)
    browser = served.browser()
    address = consent(away(browser), "ada", BACK)
    flow_cookie = browser.http.cookies["edgewise_oidc"]
    assert back(browser, address).status_code == 303
    thief = served.browser()
    thief.http.cookies.set("edgewise_oidc", flow_cookie)
    replayed = back(thief, address)
    assert (replayed.status_code, replayed.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    fresh = served.browser()
    state = parse_qs(urlsplit(away(fresh)).query)["state"][0]
    code = parse_qs(urlsplit(address).query)["code"][0]
    again = fresh.http.get(CALLBACK, params={"code": code, "state": state})
    assert again.status_code == 401
    assert fresh.http.get("/auth/session").status_code == 401


def test_another_browser_cannot_come_back_with_it(serve: Serve, certified: OwnOidcProvider) -> None:
    served = serve(certified.issuer, anyone=True)
    address = consent(away(served.browser()), "ada", BACK)
    victim = served.browser()
    assert back(victim, address).status_code == 401
    away(victim)
    assert back(victim, address).status_code == 401


def test_keys_may_change_while_we_run(serve: Serve, certified: OwnOidcProvider) -> None:
    served = serve(certified.issuer, anyone=True)
    assert through(served.browser(), "ada").status_code == 303
    certified.rotate_keys()
    certified.stop()
    certified.start()
    eventually(lambda: through(served.browser(), "ada").status_code == 303)


def test_a_provider_that_is_down_is_said_to_be(serve: Serve, certified: OwnOidcProvider) -> None:
    served = serve("http://127.0.0.1:9")
    page = served.browser(accept="text/html").http.get("/auth/oidc/start")
    assert (page.status_code, "Example cannot be reached" in page.text) == (503, True)
    answer = served.browser().http.get("/auth/oidc/start")
    assert answer.json()["error"]["code"] == "UNAVAILABLE"


def test_a_provider_that_goes_down_meanwhile_is_said_to_be(
    serve: Serve, lying: LyingProvider
) -> None:
    served = serve(lying.issuer, anyone=True)
    browser = served.browser()
    code, state = lying.code_for(away(browser))
    lying.status = 502
    answer = browser.http.get(CALLBACK, params={"code": code, "state": state})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")


def test_what_the_lying_provider_says_is_believed_while_it_is_true(
    serve: Serve, lying: LyingProvider
) -> None:
    served = serve(lying.issuer, anyone=True)
    assert lied_to(served.browser(), lying).status_code == 303


def none_signed(lying: LyingProvider, claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, b""]).decode()


def signed_with_public_key(lying: LyingProvider, claims: dict[str, Any]) -> str:
    public = json.dumps(lying.key.as_dict(private=False)).encode()
    return signed(OctKey.import_key(public), claims, "HS256")


def signed_with_client_secret(lying: LyingProvider, claims: dict[str, Any]) -> str:
    return signed(OctKey.import_key(CLIENT_SECRET.encode()), claims, "HS256")


def signed_with_another_key(lying: LyingProvider, claims: dict[str, Any]) -> str:
    other = RSAKey.generate_key(2048)
    return signed(other, claims, "RS256", kid=lying.key.kid)


def changed_after_signing(lying: LyingProvider, claims: dict[str, Any]) -> str:
    head, _, signature = signed(lying.key, claims).split(".")
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "admin"}).encode())
    return ".".join((head, forged.rstrip(b"=").decode(), signature))


LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another nonce": lambda claims: claims.update(nonce="another"),
    "no nonce": lambda claims: claims.pop("nonce"),
    "expired": lambda claims: claims.update(exp=claims["iat"] - 3600),
    "never expires": lambda claims: claims.pop("exp"),
    "for another client": lambda claims: claims.update(aud="another"),
    "for several, by another": lambda claims: claims.update(
        aud=["another", CLIENT_ID], azp="another"
    ),
    "by another issuer": lambda claims: claims.update(iss="https://accounts.example.com"),
    "no issuer": lambda claims: claims.pop("iss"),
    "from the future": lambda claims: claims.update(iat=claims["iat"] + 7200),
    "not yet": lambda claims: claims.update(nbf=claims["iat"] + 7200),
    "about nobody": lambda claims: claims.pop("sub"),
    "about no text": lambda claims: claims.update(sub={"$ne": 1}),
    "times that are none": lambda claims: claims.update(exp="tomorrow"),
    "another access token's": lambda claims: claims.update(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_lies_signs_nobody_in(serve: Serve, lying: LyingProvider, lie: str) -> None:
    served = serve(lying.issuer, anyone=True)
    lying.change = LIES[lie]  # type: ignore[assignment]
    browser = served.browser()
    answer = lied_to(browser, lying)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert browser.http.get("/auth/session").status_code == 401
    assert served.platform.people.table.by_email("eve@example.com") is None


@pytest.mark.parametrize(
    "sign",
    [
        none_signed,
        signed_with_public_key,
        signed_with_client_secret,
        signed_with_another_key,
        changed_after_signing,
        lambda lying, claims: "nonsense",
        lambda lying, claims: "",
    ],
)
def test_a_token_that_is_not_signed_by_the_provider_signs_nobody_in(
    serve: Serve, lying: LyingProvider, sign: Callable[[LyingProvider, dict[str, Any]], str]
) -> None:
    served = serve(lying.issuer, anyone=True)
    lying.sign = sign
    assert lied_to(served.browser(), lying).status_code == 401


@pytest.mark.parametrize(
    "changes", [{"state": "another"}, {"state": ""}, {"error": "access_denied"}]
)
def test_a_way_back_that_nobody_went_signs_nobody_in(
    serve: Serve, lying: LyingProvider, changes: dict[str, str]
) -> None:
    served = serve(lying.issuer, anyone=True)
    assert lied_to(served.browser(), lying, **changes).status_code == 401


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://accounts.example.com"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
def test_a_provider_that_is_not_the_one_is_not_gone_to(
    serve: Serve, lying: LyingProvider, document: dict[str, Any]
) -> None:
    lying.document = document
    served = serve(lying.issuer)
    assert served.browser().http.get("/auth/oidc/start").status_code == 503


def test_a_foreign_page_does_not_start_a_sign_in(serve: Serve, lying: LyingProvider) -> None:
    served = serve(lying.issuer)
    headers = {"sec-fetch-site": "cross-site"}
    assert served.browser().http.get("/auth/oidc/start", headers=headers).status_code == 403


@pytest.mark.parametrize("kind", ["memory", "postgres"])
def test_a_flow_is_taken_once_and_in_time(pools: Database, platform: Platform, kind: str) -> None:
    from application.ports.identity_provider import Away, Flow

    flows = MemoryFlows() if kind == "memory" else PostgresFlows(pools)
    now = platform.now()
    first, late = (Away(Flow(s, "n", "v"), "b", now + LIFETIME, "i") for s in ("first", "late"))
    flows.keep(first)
    flows.keep(late)
    assert flows.take("unknown", now) is None
    assert flows.take("first", now) == first
    assert flows.take("first", now) is None
    assert flows.take("late", now + LIFETIME) is None


def test_a_user_of_the_provider_has_no_password(serve: Serve, lying: LyingProvider) -> None:
    served = serve(lying.issuer, anyone=True)
    lied_to(served.browser(), lying)
    for password in ("", PASSWORD):
        assert served.browser().sign_in("eve@example.com", password).status_code == 401
