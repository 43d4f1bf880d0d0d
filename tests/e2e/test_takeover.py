"""Several projectors run and one works: whichever dies, another goes on."""

import json
import signal
from threading import Event, Thread
from typing import Any

import pytest

from tests.e2e.conftest import Parts
from tests.e2e.running import Api
from tests.patience import eventually

REGISTER = """mutation($name: String!) { modelRegister(name: $name, task: OTHER) {
  model { id } eventPosition userErrors { code message } } }"""
FOLLOWERS = "{ system { followers { name position } } }"


@pytest.mark.slow
def test_projectors_take_over_from_each_other_and_skip_or_repeat_nothing(parts: Parts) -> None:
    api = parts.api()
    (first,) = [each for each in parts.running if each.command == "projector"]
    second, third = parts.start("projector"), parts.start("projector")
    eventually(lambda: all("projector ready" in each.output for each in (second, third)))
    with Registering(api) as registering:
        eventually(lambda: registering.last > 0)
        first.kill()
        _catches_up(api, registering)
        second.send(signal.SIGSTOP)
        _catches_up(api, registering)
        fourth = parts.start("projector")
        eventually(lambda: "projector ready" in fourth.output)
        third.kill()
        _catches_up(api, registering)
        second.send(signal.SIGCONT)
        fourth.kill()
        _catches_up(api, registering)
    eventually(lambda: _behind(api, registering.last) == [])
    check = parts.start("replay --check --json")
    eventually(lambda: not check.running)
    told = json.loads(check.output)
    assert told["agree"], check.output
    models = next(each for each in told["projections"] if each["view"] == "models")
    assert models["rows"] == registering.count


def _catches_up(api: Api, registering: "Registering") -> None:
    """Everything follows what is written from now on."""
    before = registering.last
    wanted = eventually(lambda: registering.last > before and registering.last)
    eventually(lambda: _behind(api, wanted) == [])


def _behind(api: Api, position: int) -> list[str]:
    followers: list[dict[str, Any]] = api.run(FOLLOWERS)["system"]["followers"]
    return [each["name"] for each in followers if int(each["position"]) < position]


class Registering:
    """Registers models, one after another, until the block ends: how many, and the last
    position."""

    def __init__(self, api: Api) -> None:
        self.count, self.last = 0, 0
        self._api, self._done = Api(api.url, api.token), Event()
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        while not self._done.is_set():
            payload = self._api.change(REGISTER, name=f"model-{self.count}")
            self.count += 1
            self.last = int(payload["eventPosition"])

    def __enter__(self) -> "Registering":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
