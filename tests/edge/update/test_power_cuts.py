"""Power is cut at each call that changes the disk, and at random instants by SIGKILL: afterwards a
slot can be booted, nothing is switched to that was not published, and the update goes on.
"""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import power_cuts
from benchmarks.update_device import Published, Serving, UpdatingDevice, published, standing
from edge.protocol.updates import Action, Problem, Reported
from edge.update.sealed import Damaged

pytestmark = pytest.mark.slow  # agents that are cut off at every step

CALLS = ("fsync", "replace", "rename", "symlink", "link", "unlink", "rmdir", "mkdir")


class PowerCut(BaseException):
    """Nothing of the program runs after it."""


@pytest.fixture(scope="module")
def what() -> Published:
    return published(3, 2, 20_000)


@pytest.fixture(scope="module")
def url(what: Published) -> Iterator[str]:
    server = Serving(what)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.url
    server.shutdown()
    server.server_close()


class Power:
    """Cuts it at one of the calls that change the disk: before it is done, or right after."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def cut_at(self, number: int, done: bool) -> None:
        self.left = number
        for name in CALLS:
            self._patch.setattr(os, name, self._cutting(getattr(os, name), done))

    def back(self) -> bool:
        """Whether it was cut."""
        self._patch.undo()
        return self.left < 0

    def _cutting(self, call: Callable[..., Any], done: bool) -> Callable[..., Any]:
        def cutting(*given: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left < 0 and not done:
                raise PowerCut
            found = call(*given, **named)
            if self.left < 0:
                raise PowerCut
            return found

        return cutting


def device(home: Path, what: Published, url: str, unwell: bool = False) -> UpdatingDevice:
    made = UpdatingDevice(home, what, url, lambda: unwell)
    made.start()
    return made


@pytest.mark.parametrize("done", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("way", ["install", "roll back", "revert"])
def test_power_may_be_cut_at_each_step(
    tmp_path: Path, what: Published, url: str, monkeypatch: pytest.MonkeyPatch, way: str, done: bool
) -> None:
    first, second, third = what.releases
    asked, expected = {
        "install": (2, (Reported.CONFIRMED, third)),
        "roll back": (2, (Reported.LOCAL_ROLLED_BACK, first)),
        "revert": (3, (Reported.REVERTED, first)),
    }[way]
    number = 0
    while True:
        home = tmp_path / str(number)
        home.mkdir()
        before = device(home, what, url)
        before.follow(first)
        if way == "revert":
            before.follow(second)
        before.unwell = lambda: way == "roll back"
        power = Power(monkeypatch)
        power.cut_at(number, done)
        try:
            if way == "revert":
                before.follow(first, Action.REVERT)
            else:
                before.follow(third)
        except PowerCut:
            pass
        if not power.back():
            return  # it came to its end
        assert standing(home, what) == (True, False), number
        again = device(home, what, url, unwell=way == "roll back")
        assert standing(home, what) == (True, False), number
        if again.record.counter == asked:
            word = again.record.reports[-1].report
            assert (word.state, again.record.current) == expected, number
        assert not (home / "slots/incoming").exists(), number
        number += 1


def test_power_may_be_cut_at_random_instants_by_sigkill(
    tmp_path: Path, what: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power_cuts, "CUTS", 20)
    with power_cuts.served(what) as url:
        power_cuts.begin(tmp_path, what, url)
        dead, wrong, _ = power_cuts.cut(tmp_path, what, url)
    assert (dead, wrong) == (0, 0)


def test_a_torn_record_is_set_aside_and_what_runs_goes_on(
    tmp_path: Path, what: Published, url: str
) -> None:
    first, *_ = what.releases
    device(tmp_path, what, url).follow(first)
    record = tmp_path / "update.json"
    record.write_bytes(record.read_bytes()[:-10])
    made = UpdatingDevice(tmp_path, what, url)
    with pytest.raises(Damaged):
        made.start()
    assert standing(tmp_path, what) == (True, False)
    assert made.slots.counter() == 1


def test_rotten_files_of_what_runs_are_switched_away_from_and_told(
    tmp_path: Path, what: Published, url: str
) -> None:
    first, second, _ = what.releases
    before = device(tmp_path, what, url)
    before.follow(first)
    before.follow(second)
    slot = before.slots.current()
    assert slot is not None
    rotten = slot.path(slot.manifest.files[-1])
    rotten.write_bytes(b"x" + rotten.read_bytes()[1:])
    after = device(tmp_path, what, url)
    assert standing(tmp_path, what) == (True, False)
    word = after.record.reports[-1].report
    assert (word.state, word.problem, word.release) == (
        Reported.LOCAL_ROLLED_BACK,
        Problem.WRONG_HASH,
        first,
    )
