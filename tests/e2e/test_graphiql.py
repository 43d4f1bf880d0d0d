"""The page for trying queries out works without a network beyond this installation."""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.e2e.running import Api
from tests.patience import PATIENCE, eventually
from tests.services.daemon import free_port

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


class Page:
    """A tab, driven by the DevTools protocol; `asked` collects the addresses it loads from."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._count = socket, 0
        self.asked: set[str] = set()

    def do(self, method: str, **params: Any) -> dict[str, Any]:
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=PATIENCE))
            if message.get("method") == "Network.requestWillBeSent":
                url = urlparse(message["params"]["request"]["url"])
                if url.scheme in ("http", "https", "ws", "wss"):
                    self.asked.add(url.netloc)
            if message.get("id") == self._count:
                answer: dict[str, Any] = message["result"]
                return answer

    def value(self, expression: str) -> Any:
        found = self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"].get("value")


@pytest.fixture
def page(chromium: Path, tmp_path: Path) -> Iterator[Page]:
    port = free_port()
    options = [f"--user-data-dir={tmp_path}/profile", f"--remote-debugging-port={port}"]
    browser = subprocess.Popen(
        [str(chromium), *FLAGS, *options, "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = eventually(lambda: _tabs(port)[0])
        with connect(url, max_size=None, open_timeout=PATIENCE, ping_timeout=PATIENCE) as socket:
            page = Page(socket)
            for domain in ("Network", "Runtime", "Page"):
                page.do(f"{domain}.enable")
            yield page
    finally:
        browser.kill()
        browser.wait()


def _tabs(port: int) -> list[str]:
    found = httpx.get(f"http://127.0.0.1:{port}/json").json()
    return [tab["webSocketDebuggerUrl"] for tab in found if tab["type"] == "page"]


def _answered(page: Page, word: str) -> bool:
    """Whether the answer says so; where it does not, and no query runs, the button is pressed."""
    if word in (page.value("document.querySelector('.result-window')?.textContent") or ""):
        return True
    page.value("document.querySelector('.graphiql-execute-button[aria-label^=Execute]')?.click()")
    return False


def test_graphiql_answers_a_query_and_loads_nothing_from_elsewhere(
    platform: Api, page: Page, tmp_path: Path
) -> None:
    page.do("Page.navigate", url=f"{platform.url}/healthz")
    kept = f"localStorage.setItem('edgewise-token', '{platform.token}') || location.pathname"
    eventually(lambda: page.value(kept) == "/healthz")
    page.do("Page.navigate", url=f"{platform.url}/graphql")
    eventually(lambda: _answered(page, "ENTERPRISE"))
    picture = page.do("Page.captureScreenshot", format="png")["data"]
    (tmp_path / "graphiql.png").write_bytes(base64.b64decode(picture))
    assert page.asked == {urlparse(platform.url).netloc}


def test_whoever_joined_on_the_page_of_an_invitation_asks_by_cookie(
    platform: Api, page: Page
) -> None:
    url = platform.change(
        """mutation { memberInvite(email: "ada@example.com", role: VIEWER) {
             url userErrors { message } } }"""
    )["url"]
    page.do("Page.navigate", url=url)
    eventually(lambda: page.value("document.forms.length") == 1)
    for field, text in (("name", "Ada"), ("password", "correct horse battery staple")):
        page.value(f"document.querySelector('[name={field}]').value = '{text}'")
    page.value("document.forms[0].submit()")
    eventually(lambda: "signed in as Ada" in (page.value("document.body?.innerText") or ""))
    page.value("document.querySelector('a[href=\"/graphql\"]').click()")
    eventually(lambda: _answered(page, "user:"))
    assert page.value("document.cookie") == ""
    assert page.asked == {urlparse(platform.url).netloc}
