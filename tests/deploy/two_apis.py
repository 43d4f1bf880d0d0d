"""A client that goes from one API to the next with every request, as behind a proxy."""

from collections.abc import Sequence
from pathlib import Path

import httpx

from interfaces.cli.tus_client import push as push_file
from tests.e2e.running import Api
from tests.patience import PATIENCE


class Alternating(httpx.BaseTransport):
    """Each request goes to the next server; one that cannot be connected to is passed over."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = [httpx.URL(url) for url in urls]
        self._own = httpx.HTTPTransport()
        self._turn = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for last in (*[False] * (len(self._urls) - 1), True):
            self._turn += 1
            there = self._urls[self._turn % len(self._urls)]
            request.url = request.url.copy_with(host=there.host, port=there.port)
            request.headers["host"] = f"{there.host}:{there.port}"
            try:
                return self._own.handle_request(request)
            except httpx.ConnectError:
                if last:
                    raise
        raise AssertionError("unreachable")


class Behind(Api):
    """The client of several servers with one key; uploads go to the first that is up."""

    def __init__(self, urls: Sequence[str], token: str) -> None:
        super().__init__(urls[0], token)
        self.urls = list(urls)
        self.http = httpx.Client(
            base_url=urls[0],
            headers={"authorization": f"Bearer {token}"},
            timeout=PATIENCE,
            transport=Alternating(urls),
        )

    def upload(self, path: Path, purpose: str) -> str:
        for last, url in enumerate(reversed(self.urls), 1 - len(self.urls)):
            try:
                httpx.get(f"{url}/healthz")
            except httpx.ConnectError:
                if last == 0:
                    raise
                continue
            pushed = push_file(
                url, self.token, path, purpose, state_folder=path.parent, progress=lambda *_: None
            )
            return str(pushed.upload_id)
        raise AssertionError("unreachable")
