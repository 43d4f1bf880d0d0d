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

from tests.e2e.running import Api, eventually
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
            message = json.loads(self._socket.recv(timeout=30))
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
        tabs = eventually(lambda: httpx.get(f"http://127.0.0.1:{port}/json").json())
        url = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
        with connect(url, max_size=None) as socket:
            page = Page(socket)
            for domain in ("Network", "Runtime", "Page"):
                page.do(f"{domain}.enable")
            yield page
    finally:
        browser.kill()
        browser.wait()


def test_graphiql_answers_a_query_and_loads_nothing_from_elsewhere(
    platform: Api, page: Page, tmp_path: Path
) -> None:
    page.do("Page.navigate", url=f"{platform.url}/healthz")
    eventually(lambda: page.value("document.readyState") == "complete")
    page.value(f"localStorage.setItem('edgewise-token', '{platform.token}')")
    page.do("Page.navigate", url=f"{platform.url}/graphql")
    button = "document.querySelector('.graphiql-execute-button')"
    eventually(lambda: page.value(f"{button} !== null"))
    page.value(f"{button}.click()")
    result = "document.querySelector('.result-window')?.textContent || ''"
    eventually(lambda: "ENTERPRISE" in page.value(result))
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
    button = "document.querySelector('.graphiql-execute-button')"
    eventually(lambda: page.value(f"{button} !== null"))
    assert page.value("document.cookie") == ""
    page.value(f"{button}.click()")
    result = "document.querySelector('.result-window')?.textContent || ''"
    eventually(lambda: "user:" in (page.value(result) or ""))
    assert page.asked == {urlparse(platform.url).netloc}
