"""All projections are rebuilt under a running platform, and its clients notice nothing."""

import json
import time
from threading import Event, Thread

import pytest

from tests.e2e.conftest import Parts
from tests.e2e.running import Api, Process
from tests.e2e.test_takeover import Registering
from tests.patience import PATIENCE, eventually

MODELS = "{ models(first: 100) { nodes { name position artifacts(first: 1) { nodes { id } } } } }"


class Reading:
    """Lists models, again and again, until the block ends; no answer may fail, be shorter or lack
    the newest model of the one before."""

    def __init__(self, api: Api) -> None:
        self.seen: list[tuple[int, int]] = [(0, 0)]
        self.failed: BaseException | None = None
        self._api, self._done = Api(api.url, api.token), Event()
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        try:
            while not self._done.is_set():
                nodes = self._api.run(MODELS)["models"]["nodes"]
                newest = (len(nodes), max([int(node["position"]) for node in nodes], default=0))
                assert newest >= self.seen[-1], "models went away"
                self.seen.append(newest)
        except BaseException as error:
            self.failed = error

    def __enter__(self) -> "Reading":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


@pytest.mark.slow
def test_all_projections_are_rebuilt_under_load_and_clients_notice_nothing(parts: Parts) -> None:
    api = parts.api()
    with Registering(api) as registering, Reading(api) as reading:
        eventually(lambda: reading.seen[-1] > (5, 0))
        for _ in range(3):
            told = _done(parts.start("projections rebuild all --json"))
            assert {each["view"] for each in told["rebuilt"]} >= {"tenants", "models", "jobs"}
        assert _done(parts.start("replay --check --json"))["agree"]
        before = reading.seen[-1]
        eventually(lambda: reading.seen[-1] > before)
    assert reading.failed is None
    assert registering.count > 5
    assert _done(parts.start("replay --check --json"))["agree"]


@pytest.mark.slow
@pytest.mark.timeout(8 * PATIENCE)
def test_a_rebuild_that_is_killed_at_any_moment_leaves_everything_as_it_was(parts: Parts) -> None:
    api = parts.api()
    with Registering(api) as registering, Reading(api) as reading:
        eventually(lambda: registering.count > 5)
        began = time.monotonic()
        assert _done(parts.start("projections rebuild all --json"))["rebuilt"]
        whole = time.monotonic() - began
        for part in range(3, 9):  # what comes before is Python that imports
            process = parts.start("projections rebuild all")
            time.sleep(whole * part / 9)
            process.kill()
        eventually(lambda: _done(parts.start("projections rebuild all --json")).get("rebuilt"))
    assert reading.failed is None
    assert _done(parts.start("replay --check --json"))["agree"]


def _done(process: Process) -> dict[str, list[dict[str, object]]]:
    eventually(lambda: not process.running)
    told: dict[str, list[dict[str, object]]] = json.loads(process.output)
    return told
