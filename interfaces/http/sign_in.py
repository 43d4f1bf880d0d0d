"""Signing in and out over HTTP, for pages (forms) and for programs (JSON).

    POST /auth/sign-in     {email, password}                  sets the cookie
    GET  /auth/session     who is signed in, and the CSRF token
    POST /auth/sign-out    {everywhere}                       ends this session, or all
    POST /auth/tenant      {tenantId}                         chooses the tenant to act in
    POST /auth/password    {currentPassword, newPassword}     ends all other sessions
    POST /auth/invitation  {token, password, name}            takes an invitation

Whoever is signed in by cookie sends the CSRF token along. A form answers with a page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from application import sign_in as work
from application.commands.member import open_invitation
from application.platform import Platform
from application.ports.sessions import Session
from application.sign_in import Caller, SignedIn
from application.waiting import Waiter
from domain.refusal import Refusal, RefusalCode, invalid
from domain.user import TooManyTries
from interfaces.http.cookies import SessionCookies
from interfaces.http.given import given_by, is_form, text_of
from interfaces.http.refusals import refusal_response, status_of
from interfaces.http.sign_in_page import (
    STYLE_PATH,
    invitation_page,
    message_page,
    sign_in_page,
    signed_in_page,
    style,
)

AT_ONCE = 4  # argon2 takes tens of megabytes for each
HOME = "/sign-in"

T = TypeVar("T")


@dataclass
class SignIn:
    """The routes of one application. `provider` is the identity provider's name, if any."""

    platform: Platform
    cookies: SessionCookies
    waiter: Waiter
    provider: str | None = None

    def __post_init__(self) -> None:
        self._limiter: CapacityLimiter | None = None

    def routes(self) -> list[Route]:
        return [
            Route("/sign-in", self._page, methods=["GET"]),
            Route("/invitation", self._invitation_page, methods=["GET"]),
            Route(STYLE_PATH, style, methods=["GET"]),
            Route("/auth/session", self._session, methods=["GET"]),
            Route("/auth/sign-in", self._sign_in, methods=["POST"]),
            Route("/auth/sign-out", self._sign_out, methods=["POST"]),
            Route("/auth/tenant", self._choose, methods=["POST"]),
            Route("/auth/password", self._change_password, methods=["POST"]),
            Route("/auth/invitation", self._join, methods=["POST"]),
        ]

    async def _page(self, request: Request) -> Response:
        session, secret = await self.cookies.session(request), self.cookies.secret(request)
        if session is None or secret is None:
            return sign_in_page(provider=self.provider)
        told = await self._told(session, secret)
        tenant = told["tenant"]["name"] if told["tenant"] else None
        return signed_in_page(told["user"]["name"], tenant, told["csrfToken"])

    async def _sign_in(self, request: Request) -> Response:
        self.cookies.require_own_origin(request, always=is_form(request))
        given = await given_by(request)
        email, password = text_of(given, "email"), text_of(given, "password")
        try:
            old = await self.cookies.session(request)
            done = await self._slowly(
                lambda: work.sign_in(
                    self.platform, caller_of(request), email=email, password=password
                )
            )
            if old is not None:
                await self._run(lambda: self.platform.people.sessions.end(old.user_id, old.id))
        except Refusal as refusal:
            response = (
                sign_in_page(refusal.message, status_of(refusal), self.provider)
                if is_form(request)
                else refusal_response(refusal)
            )
            if isinstance(refusal, TooManyTries):
                response.headers["Retry-After"] = str(refusal.retry_after)
                response.background = BackgroundTask(work.record_blocked, self.platform, email)
            return response
        return await self.answer(request, done)

    async def _session(self, request: Request) -> Response:
        session, secret = await self._signed_in(request)
        return JSONResponse(await self._told(session, secret), headers=_PRIVATE)

    async def _sign_out(self, request: Request) -> Response:
        session, secret = await self._signed_in(request)
        given = await given_by(request)
        self._require_token(request, given, secret)
        everywhere = given.get("everywhere") in (True, "true")
        one = None if everywhere else session.id
        await self._run(lambda: self.platform.people.sessions.end(session.user_id, one))
        response: Response = (
            RedirectResponse("/sign-in", 303) if is_form(request) else Response(status_code=204)
        )
        self.cookies.clear(response)
        return response

    async def _choose(self, request: Request) -> Response:
        session, secret = await self._signed_in(request)
        given = await given_by(request)
        self._require_token(request, given, secret)
        try:
            tenant_id = UUID(text_of(given, "tenantId"))
        except ValueError:
            raise invalid("tenantId", "Give the id of one of your organizations.") from None
        return await self.answer(
            request, await self._run(lambda: work.act_in(self.platform, session, tenant_id))
        )

    async def _change_password(self, request: Request) -> Response:
        session, secret = await self._signed_in(request)
        given = await given_by(request)
        self._require_token(request, given, secret)
        current, new = text_of(given, "currentPassword"), text_of(given, "newPassword")
        done = await self._slowly(
            lambda: work.change_password(
                self.platform, caller_of(request), session, current=current, new=new
            )
        )
        return await self.answer(request, done)

    async def _invitation_page(self, request: Request) -> Response:
        return await self._invited(request.query_params.get("token", ""))

    async def _invited(self, token: str, error: Refusal | None = None) -> Response:
        try:
            invitee = await self._run(lambda: open_invitation(self.platform, token))
        except Refusal as refusal:
            return message_page("Invitation", refusal.message, status_of(refusal))
        user = await self._run(lambda: self.platform.people.table.by_email(invitee.email))
        return invitation_page(
            token,
            invitee.email,
            known=user is not None,
            error=error.message if error else None,
            status=status_of(error) if error else 200,
            provider=self.provider,
        )

    async def _join(self, request: Request) -> Response:
        self.cookies.require_own_origin(request, always=is_form(request))
        given = await given_by(request)
        token = text_of(given, "token")
        session, secret = await self.cookies.session(request), self.cookies.secret(request)
        if is_form(request):
            session = None  # the form asks for the password, which is proof enough
        if session is not None and secret is not None:
            self._require_token(request, given, secret)
        try:
            done = await self._slowly(
                lambda: work.join(
                    self.platform,
                    caller_of(request),
                    session,
                    secret=token,
                    password=text_of(given, "password", ""),
                    name=text_of(given, "name", ""),
                )
            )
        except Refusal as refusal:
            if is_form(request):
                return await self._invited(token, refusal)
            raise
        return await self.answer(request, done)

    async def answer(self, request: Request, done: SignedIn, *, page: bool = False) -> Response:
        """The new cookie, and who is signed in now."""
        if done.position is not None:
            await self.waiter.reached(done.position, ["tenants"])
        if page or is_form(request):
            response: Response = RedirectResponse(HOME, 303, headers=_PRIVATE)
        else:
            session = await self._run(lambda: work.session_of(self.platform, done.secret))
            response = JSONResponse(await self._told(session, done.secret), headers=_PRIVATE)
        self.cookies.set(response, done.secret)
        return response

    async def _told(self, session: Session, secret: str) -> dict[str, Any]:
        table = self.platform.people.table
        user = await self._run(lambda: work.user_of(self.platform, session))
        memberships = await self._run(lambda: table.of(session.user_id))
        tenants = [
            {"id": str(one.tenant_id), "name": one.tenant_name, "role": one.role}
            for one in memberships
        ]
        acting = str(session.acting_in)
        return {
            "user": {"id": str(user.id), "email": user.email, "name": user.name},
            "tenant": next((one for one in tenants if one["id"] == acting), None),
            "tenants": tenants,
            "session": {
                "id": str(session.id),
                "startedAt": session.started_at.isoformat(),
                "expiresAt": session.expires_at.isoformat(),
            },
            "csrfToken": work.csrf_token(secret),
        }

    async def _signed_in(self, request: Request) -> tuple[Session, str]:
        secret = self.cookies.secret(request)
        if secret is None:
            raise Refusal(RefusalCode.UNAUTHENTICATED, "Nobody is signed in here. Sign in first.")
        self.cookies.require_own_origin(request)
        return await self._run(lambda: work.session_of(self.platform, secret)), secret

    def _require_token(self, request: Request, given: dict[str, Any], secret: str) -> None:
        """In the header, or in the form."""
        token = request.headers.get("x-csrf-token") or text_of(given, "csrfToken", "")
        self.cookies.require_token(token, secret)

    async def _run(self, function: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(function)

    async def _slowly(self, function: Callable[[], T]) -> T:
        """What looks at a password."""
        self._limiter = self._limiter or CapacityLimiter(AT_ONCE)
        return await anyio.to_thread.run_sync(function, limiter=self._limiter)


_PRIVATE = {"Cache-Control": "no-store"}


def caller_of(request: Request) -> Caller:
    address = request.client.host if request.client else ""
    return Caller(address, request.headers.get("user-agent", ""))
