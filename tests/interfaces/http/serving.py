"""The application on a real server, in a thread of the test's own process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from interfaces.bootstrap import Installation
from interfaces.bootstrap.api import api_of
from interfaces.bootstrap.projector import start_projector
from interfaces.first_key import ensure_first_key
from interfaces.settings import read_settings
from tests.patience import PATIENCE
from tests.services.daemon import free_port
from tests.services.postgres import TEST_SECRET


class Served:
    """A server, and a client with the first key; `ask` gives the answer as JSON."""

    def __init__(self, url: str, token: str, installation: Installation) -> None:
        self.url, self.token, self.installation = url, token, installation
        headers = {"authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=PATIENCE)

    def post(self, query: str, headers: dict[str, str] | None = None, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        return self.http.post("/graphql", json=body, headers=headers)

    def ask(self, query: str, **variables: Any) -> Any:
        return self.post(query, **variables).json()

    def code(self, query: str, **variables: Any) -> str | None:
        """The code of the first error."""
        errors = self.ask(query, **variables).get("errors")
        found: str | None = errors[0]["extensions"]["code"] if errors else None
        return found


@contextmanager
def served(database_url: str, home: Path, **environment: str) -> Iterator[Served]:
    """`edgewise api` and `edgewise projector` with these settings on a migrated database."""
    port = free_port()
    given = {
        "DATABASE_URL": database_url,
        "EDGEWISE_SECRET": TEST_SECRET,
        "EDGEWISE_HOME": str(home),
        "EDGEWISE_PORT": str(port),
        **environment,
    }
    settings = replace(read_settings(given), connections=4)
    installation = Installation.of(settings)
    address = f"http://127.0.0.1:{port}"
    try:
        key = ensure_first_key(installation.platform, settings.home, address)
        start_projector(installation)
        config = uvicorn.Config(
            api_of(installation), port=port, log_config=None, access_log=False, server_header=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + PATIENCE
            while not server.started and time.monotonic() < deadline:
                time.sleep(0.02)
            yield Served(address, key.token, installation)
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
    finally:
        installation.close()
