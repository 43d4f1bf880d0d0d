"""Children that misbehave: `bad` at each level that works on this machine, `child` at the
strongest; and somebody who looks on. Loaded as a plugin by the tests that use it."""

import time
from pathlib import Path
from typing import Any

import pytest

from application.ports.engine import EngineCrashed
from infrastructure.engine import isolation as isolations
from infrastructure.engine.isolation import Isolation
from infrastructure.engine.limits import Limits
from infrastructure.engine.sandbox import Sandbox
from tests.patience import PATIENCE, eventually

ROOT = Path(__file__).resolve().parents[2]
TASKS = Path(__file__).resolve().parent / "misbehaving.py"
LIMITS = Limits(seconds=PATIENCE)
MIB = 1 << 20


class Onlooker:
    """A watch that remembers, and calls the work off once a file is there; `called_off` is when,
    on the monotonic clock."""

    def __init__(self, cancel_at: Path | None = None) -> None:
        self.seen: list[tuple[str, ...]] = []
        self._cancel_at = cancel_at
        self.called_off = 0.0

    def stage_started(self, name: str) -> None:
        self.seen.append(("started", name))

    def stage_finished(self, name: str) -> None:
        self.seen.append(("finished", name))

    def tick(self, percent: float, message: str) -> None:
        self.seen.append(("tick", f"{percent:g}", message))

    def cancelled(self) -> bool:
        return self._cancel_at is not None and self._cancel_at.exists()


class Misbehaving:
    """A sandbox at one level, whose child has the bad tasks too."""

    def __init__(self, level: Isolation, scratch: Path) -> None:
        self.level, self.scratch = level, scratch
        self._sandbox = Sandbox(LIMITS, isolation=level)

    def run(self, task: str, watch: Onlooker | None = None, **request: Any) -> dict[str, Any]:
        return self.within(LIMITS, task, watch, **request)

    def within(
        self, limits: Limits, task: str, watch: Onlooker | None = None, **request: Any
    ) -> dict[str, Any]:
        answer = self._sandbox.run(task, request, self.scratch, watch, limits, reads=(TASKS,))
        return answer.result

    def still_beats(self) -> bool:
        beats = self.scratch / "beats"
        if not beats.exists():  # it was stopped before it began
            return False
        before = beats.stat().st_size
        time.sleep(0.3)
        return beats.stat().st_size > before

    def falls_silent(self) -> bool:
        return eventually(lambda: not self.still_beats())


def works(level: Isolation, folder: Path) -> bool:
    try:
        Sandbox(LIMITS, isolation=level).run("ping", {}, folder)
    except EngineCrashed:
        return False
    return True


@pytest.fixture(params=list(Isolation))
def bad(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Misbehaving:
    level = request.param
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    if level is Isolation.BUBBLEWRAP:
        request.getfixturevalue("bubblewrap")
    if level not in isolations.possible() or not works(level, scratch):
        pytest.skip(f"{level} does not work on this machine")
    monkeypatch.setattr(isolations, "CHILD", "tests.engine.misbehaving")
    return Misbehaving(level, scratch)


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Misbehaving:
    level = Sandbox().isolation
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(isolations, "CHILD", "tests.engine.misbehaving")
    return Misbehaving(level, scratch)
