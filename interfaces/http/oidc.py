"""Signing in through an OpenID provider: away to it, and back.

    GET  /auth/oidc/start       ?invitation=…   away
    POST /auth/oidc/link                        away, to link the provider's user to one's own
    GET  /auth/oidc/callback    ?state&code     back

A cookie that lasts ten minutes ties the way back to the browser that went.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from application import oidc_sign_in
from application.oidc_sign_in import CALLBACK, LIFETIME, Oidc
from application.platform import Platform
from application.ports.identity_provider import NotProven
from application.sign_in import session_of
from domain.refusal import Refusal, RefusalCode
from interfaces.http.cookies import SessionCookies
from interfaces.http.refusals import refusal_response, status_of
from interfaces.http.sign_in import SignIn, caller_of
from interfaces.http.sign_in_page import message_page

T = TypeVar("T")


@dataclass
class OidcSignIn:
    """The routes of one application."""

    platform: Platform
    oidc: Oidc
    cookies: SessionCookies
    sign_in: SignIn

    @property
    def cookie(self) -> str:
        return f"{self.cookies.prefix}edgewise_oidc"

    def routes(self) -> list[Route]:
        return [
            Route("/auth/oidc/start", self._start, methods=["GET"]),
            Route("/auth/oidc/link", self._link, methods=["POST"]),
            Route(CALLBACK, self._back, methods=["GET"]),
        ]

    async def _start(self, request: Request) -> Response:
        # A foreign page must not have a browser join whatever it was invited to.
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return message_page("Sign in", "Start from a page of this server.", 403)
        browser, invitation = secrets.token_urlsafe(32), request.query_params.get("invitation")
        try:
            url = await _run(
                lambda: oidc_sign_in.begin(
                    self.platform, self.oidc, browser=browser, invitation=invitation
                )
            )
        except Refusal as refusal:
            return _told(request, refusal)
        return self._with_cookie(RedirectResponse(url, 303), browser)

    async def _link(self, request: Request) -> Response:
        secret = self.cookies.secret(request)
        if secret is None:
            raise Refusal(RefusalCode.UNAUTHENTICATED, "Sign in by password first.")
        self.cookies.require_genuine(request, secret)
        session = await _run(lambda: session_of(self.platform, secret))
        browser = secrets.token_urlsafe(32)
        url = await _run(
            lambda: oidc_sign_in.begin(
                self.platform, self.oidc, browser=browser, linking=session.user_id
            )
        )
        return self._with_cookie(JSONResponse({"url": url}), browser)

    async def _back(self, request: Request) -> Response:
        given, name = request.query_params, self.oidc.provider.name
        try:
            if "error" in given or "code" not in given:
                raise NotProven(name, "the provider sent the browser back without a code")
            old = await self.cookies.session(request)
            done = await _run(
                lambda: oidc_sign_in.finish(
                    self.platform,
                    self.oidc,
                    caller_of(request),
                    state=given.get("state", ""),
                    code=given["code"],
                    browser=request.cookies.get(self.cookie),
                )
            )
            if old is not None:
                await _run(lambda: self.platform.people.sessions.end(old.user_id, old.id))
            response = await self.sign_in.answer(request, done, page=True)
        except Refusal as refusal:
            response = _told(request, refusal)
        self.cookies.set_own(response, self.cookie, "", 0)
        return response

    def _with_cookie(self, response: Response, browser: str) -> Response:
        response.headers["Cache-Control"] = "no-store"
        self.cookies.set_own(response, self.cookie, browser, int(LIFETIME.total_seconds()))
        return response


def _told(request: Request, refusal: Refusal) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return message_page("Sign in", refusal.message, status_of(refusal))
    return refusal_response(refusal)


async def _run(function: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(function)
