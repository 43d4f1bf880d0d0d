"""The GraphQL API as this client uses it: documents over HTTP, uploads by tus.

Every answer's `eventPosition` is remembered, and a later query that declares `$waitFor` waits for
it: a command always sees what it has just done.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from interfaces.cli.connection import Server, state_folder
from interfaces.cli.refused import (
    CommandRefused,
    ServerAway,
    of_graphql_errors,
    of_user_errors,
)

if TYPE_CHECKING:
    import httpx

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# Adding a version inspects the whole file before it answers.
READ_TIMEOUT = 600.0
# Views of a busy server may take longer than it waits for them before it answers.
LAG_PATIENCE = 60.0
PAGE = 100
MUTATION_TRIES = 3
PAUSE = 1.0


class Client:
    """One server, one token. Not for several threads."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.position = 0
        self._opened: httpx.Client | None = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def run(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of a query. Raises CommandRefused."""
        if "$waitFor:" in document and self.position:
            variables.setdefault("waitFor", self.position)
        answer = self._caught_up({"query": document, "variables": variables})
        data = answer.get("data")
        if not isinstance(data, dict):
            raise ServerAway(f"{self.server.url} did not answer as an Edgewise server does.")
        return data

    def _caught_up(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answer, asked for again while the server's views lag behind what we have done."""
        until = time.monotonic() + LAG_PATIENCE
        while True:
            answer = self._post(body)
            if not answer.get("errors"):
                return answer
            refused = of_graphql_errors(answer["errors"])
            if refused.code != "PROJECTION_LAGGING" or time.monotonic() > until:
                raise refused
            time.sleep(PAUSE)

    def change(self, document: str, **variables: Any) -> dict[str, Any]:
        """The payload of a document with one mutation. Raises CommandRefused.

        One that takes an idempotency `$key` is sent again when its answer was lost."""
        tries = 1
        if "$key:" in document:
            variables.setdefault("key", str(uuid4()))
            tries = MUTATION_TRIES
        payload: dict[str, Any] = next(iter(self._insist(tries, document, variables).values()))
        if payload.get("userErrors"):
            raise of_user_errors(payload["userErrors"])
        self.position = max(self.position, payload.get("eventPosition") or 0)
        return payload

    def _insist(self, tries: int, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        for left in reversed(range(tries)):
            try:
                return self.run(document, **variables)
            except ServerAway:
                if not left:
                    raise
                time.sleep(PAUSE)
        raise AssertionError("tries is at least 1")

    def pages(self, document: str, *path: str, **variables: Any) -> Iterator[dict[str, Any]]:
        """All nodes of the connection at `path`, page after page. The document takes `$first`
        and `$after`."""
        after: str | None = None
        while True:
            found: Any = self.run(document, first=PAGE, after=after, **variables)
            for name in path:
                found = found[name] if found is not None else None
            if found is None:
                return
            yield from (edge["node"] for edge in found["edges"])
            if not found["pageInfo"]["hasNextPage"]:
                return
            after = found["pageInfo"]["endCursor"]

    def upload(self, path: Path, purpose: str, progress: Callable[[int, int], None]) -> str:
        """Uploads a file, going on where an earlier push stopped; gives the upload's id."""
        from interfaces.cli import tus_client

        try:
            pushed = tus_client.push(
                self.server.url,
                self.server.token,
                path,
                purpose,
                state_folder=state_folder(),
                progress=progress,
            )
        except tus_client.PushRefused as refused:
            raise CommandRefused(refused.code, str(refused), refused.field) from refused
        except tus_client.PushLost as lost:
            raise ServerAway(str(lost)) from lost
        except tus_client.FileChanged as changed:
            raise CommandRefused("FILE_CHANGED", str(changed), "file") from changed
        except OSError as error:
            raise unreadable(path, error) from error
        return str(pushed.upload_id)

    @property
    def http(self) -> "httpx.Client":
        """Opened at first use: importing httpx takes as long as all the rest of a command."""
        if self._opened is None:
            import httpx

            self._opened = httpx.Client(
                timeout=httpx.Timeout(30, read=READ_TIMEOUT),
                trust_env=not is_loopback(self.server.url),
            )
        return self._opened

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        import httpx

        headers = {"Authorization": f"Bearer {self.server.token}"}
        try:
            response = self.http.post(f"{self.server.url}/graphql", json=body, headers=headers)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise away(self.server.url, error) from error
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ServerAway(
                f"{self.server.url} answered {response.status_code} with something that is not "
                "GraphQL. Is it the address of an Edgewise server?"
            )
        if isinstance(answer.get("error"), dict):
            refused = answer["error"]
            raise CommandRefused(
                str(refused.get("code")), str(refused.get("message")), refused.get("field")
            )
        return answer


def is_loopback(url: str) -> bool:
    """Whether the address is this machine: no proxy stands before it."""
    return urlsplit(url).hostname in LOOPBACK


def away(url: str, error: Exception) -> ServerAway:
    reason = str(error) or type(error).__name__
    return ServerAway(f"{url} cannot be reached: {reason}. Is the server running?")


def unreadable(path: Path, error: OSError) -> CommandRefused:
    return CommandRefused("FILE", f"{path}: {error.strerror or error}", "file")
