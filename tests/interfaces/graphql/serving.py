"""The whole HTTP application on a test's own database, and browsers that keep its cookies."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from httpx import Response
from starlette.testclient import TestClient

from application.commands.tenant import hash_secret
from application.commands.user import add_user, join_by_operator
from application.platform import Platform
from application.ports.health import Health
from domain.cause import Cause, acting
from domain.plan import Plan
from domain.principal import Role
from domain.tenant import Tenant
from domain.user import User
from infrastructure.blobs.signed_links import SignedLinks
from infrastructure.people.in_postgres import people_in
from infrastructure.postgres.database import Database
from infrastructure.postgres.keys import PostgresKeys
from infrastructure.postgres.listener import PostgresListener
from infrastructure.postgres.reads import PostgresReads
from interfaces.http.app import Api, make_app
from tests.patience import eventually

PASSWORD = "correct horse battery staple"


@dataclass
class Served:
    """An application at `url`, and the platform behind it."""

    platform: Platform
    listener: PostgresListener
    url: str
    client: TestClient

    def browser(self, **headers: str) -> "Browser":
        """Without a cookie; what is in `headers` goes along with every request."""
        same_app = TestClient(self.client.app, self.url, headers=headers, follow_redirects=False)
        same_app.portal = self.client.portal
        return Browser(self, same_app)

    def tenant(self, name: str = "Acme") -> tuple[UUID, str]:
        """A new tenant and an owner's key."""
        tenant_id, secret = uuid4(), f"ew_{uuid4().hex}"
        with acting(Cause(tenant_id, "test", "test", "test")):
            tenant = Tenant.register(tenant_id, name, Plan.STARTER, "")
            tenant.issue_key(uuid4(), "first", Role.OWNER, hash_secret(secret))
            self.platform.log.save(tenant)
        return tenant_id, secret

    def user(
        self, email: str = "ada@example.com", *tenants: UUID, role: Role = Role.OPERATOR
    ) -> User:
        """A new user with PASSWORD, a member of these tenants by the time this returns."""
        user = add_user(self.platform, email=email, name="Ada", password=PASSWORD)
        for tenant_id in tenants:
            join_by_operator(self.platform, user.id, tenant_id, role)
        eventually(lambda: len(self.platform.people.table.of(user.id)) == len(tenants))
        return user


@dataclass
class Browser:
    """Keeps cookies as browsers do, and the CSRF token of the last answer."""

    served: Served
    http: TestClient
    token: str = ""

    def post(self, path: str, body: Any = None, **headers: str) -> Response:
        answer = self.http.post(path, json=body or {}, headers=self._with_token(headers))
        if answer.headers.get("content-type") == "application/json":
            self.token = answer.json().get("csrfToken", self.token)
        return answer

    def form(self, path: str, **fields: str) -> Response:
        return self.http.post(path, data=fields, headers={"origin": self.served.url})

    def sign_in(self, email: str = "ada@example.com", password: str = PASSWORD) -> Response:
        return self.post("/auth/sign-in", {"email": email, "password": password})

    def session(self) -> dict[str, Any]:
        answer = self.http.get("/auth/session")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def graphql(self, query: str, **headers: str) -> Response:
        return self.http.post("/graphql", json={"query": query}, headers=self._with_token(headers))

    def data(self, query: str) -> Any:
        """The one field that was asked for."""
        answer = self.graphql(query).json()
        assert "errors" not in answer, answer
        return next(iter(answer["data"].values()))

    def _with_token(self, headers: dict[str, str]) -> dict[str, str]:
        token = {"x-csrf-token": self.token} if self.token else {}
        return token | {name.replace("_", "-"): value for name, value in headers.items()}


@contextmanager
def serving(
    platform: Platform,
    pools: Database,
    listener: PostgresListener,
    url: str,
    change: Callable[[Api], Api] = lambda api: api,
) -> Iterator[Served]:
    """The application at `url`, which decides how cookies look."""

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        await pools.open_reads()
        try:
            yield
        finally:
            await pools.close_reads()

    unused: Any = None
    health: Health = unused
    people = people_in(pools, url)
    platform = replace(platform, users=replace(people, passwords=platform.people.passwords))
    links = SignedLinks("key", url)
    app = make_app(
        change(
            Api(
                platform=platform,
                reads=PostgresReads(pools),
                listener=listener,
                links=links,
                grants=links,
                blobs=platform.blobs,
                keys=PostgresKeys(pools),
                uploads=platform.uploads,
                health=health,
                running=running,
                environment="test",
                version="0",
                public_url=url,
            )
        )
    )
    with TestClient(app, url, follow_redirects=False) as client:
        yield Served(platform, listener, url, client)
