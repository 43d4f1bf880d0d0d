"""Requests without a pause, each of which must succeed, while servers come and go."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx

from tests.e2e.running import Api
from tests.patience import PATIENCE, eventually

REGISTER = """
mutation($name: String!, $key: String!) { modelRegister(name: $name, idempotencyKey: $key) {
  model { id name } eventPosition userErrors { code message } } }
"""
READ = "query($id: ID!, $at: BigInt) { model(id: $id, waitFor: $at) { id name } }"


class Rotation(httpx.BaseTransport):
    """Each request goes to the next server in turn. One that is not there, or went away before it
    answered, is passed over: what a proxy and a client with an idempotency key do."""

    def __init__(self, urls: list[str]) -> None:
        self._lock = threading.Lock()
        self._urls = list(urls)
        self._own = httpx.HTTPTransport()
        self._turn = 0
        self.switched = 0

    def use(self, urls: list[str]) -> None:
        with self._lock:
            self._urls = list(urls)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        last: httpx.TransportError | None = None
        for _ in range(10):
            with self._lock:
                self._turn += 1
                there = httpx.URL(self._urls[self._turn % len(self._urls)])
            request.url = request.url.copy_with(host=there.host, port=there.port)
            request.headers["host"] = f"{there.host}:{there.port}"
            try:
                return self._own.handle_request(request)
            except (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError) as error:
                last = error
                self.switched += 1
        assert last is not None
        raise last


class Load:
    """A thread that registers models and reads them back until it is stopped."""

    def __init__(self, rotation: Rotation, token: str) -> None:
        self._client = Api("http://rotation.test", token)
        self._client.http = httpx.Client(
            base_url="http://rotation.test",
            headers={"authorization": f"Bearer {token}"},
            timeout=PATIENCE,
            transport=rotation,
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.made: dict[str, str] = {}
        self.failures: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=PATIENCE)

    def more(self, count: int) -> None:
        """Waits until so many more requests have succeeded."""
        wanted = len(self.made) + count

        def look() -> bool:
            assert not self.failures, self.failures
            return len(self.made) >= wanted

        eventually(look)

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            name = f"load {uuid4().hex[:12]}"
            try:
                self._once(name)
            except Exception as error:
                self.failures.append(f"{name}: {type(error).__name__}: {error}")

    def _once(self, name: str) -> None:
        made = self._client.change(REGISTER, name=name, key=name)
        model = made["model"] or self._read(made, lambda read: read["name"] == name)
        self._read({**made, "model": model}, lambda read: read == model)
        self.made[model["id"]] = name

    def _read(self, made: dict[str, Any], right: Callable[[dict[str, Any]], bool]) -> Any:
        read = self._client.run(READ, id=made["model"]["id"], at=made["eventPosition"])["model"]
        assert right(read), read
        return read
