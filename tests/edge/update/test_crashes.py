"""Releases that pass their golden inputs and then end the agent; and health checks that crash."""

import os
import signal
import threading
from pathlib import Path

import psutil
import pytest

from edge.cli.asking import NotDone, ask
from edge.home import Home
from edge.protocol.updates import Problem, Reported
from edge.update import health
from edge.update.events import HealthFound
from edge.update.machine import MOST_CRASHES, MOST_CRASHES_IN_PROBATION
from edge.update.watching import FAILED_AT_LEAST
from tests.edge.platform.platform import TestPlatform
from tests.edge.running import RunningAgent
from tests.edge.update.models import X, golden, model, packed
from tests.patience import eventually

pytestmark = pytest.mark.slow  # real agents that crash again and again


def crash(agent: RunningAgent) -> None:
    """The agent ends without a word, as by a fault in a runtime, and is started again."""
    agent.kill()
    agent.start()
    agent.online()


def test_what_crashes_on_probation_is_rolled_back_by_the_device(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    releases = platform.releases
    agent.start()
    agent.online()
    before = releases.model(model(2), golden(2))
    releases.give(before)
    offer = releases.offer(releases.model(model(3), golden(3)), probation_seconds=3_600.0)
    releases.send(offer)
    releases.ended(offer, Reported.PROBATION)
    for _ in range(MOST_CRASHES_IN_PROBATION):
        crash(agent)
    report = releases.ended(offer)
    assert (report.state, report.problem) == (Reported.LOCAL_ROLLED_BACK, Problem.CRASHED)
    assert report.release == before.id
    agent.until(lambda status: (status["model"] or {}).get("release") == before.id)


def test_what_crashes_again_and_again_after_it_was_confirmed_is_rolled_back(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    releases = platform.releases
    agent.start()
    agent.online()
    before = releases.model(model(2), golden(2))
    releases.give(before)
    offer = releases.offer(releases.model(model(3), golden(3)))
    releases.send(offer)
    assert releases.ended(offer).state is Reported.CONFIRMED
    for _ in range(MOST_CRASHES):
        crash(agent)
    report = releases.ended(offer, Reported.LOCAL_ROLLED_BACK)
    assert (report.problem, report.release) == (Problem.CRASHED, before.id)


def test_what_fails_on_most_inputs_on_probation_is_rolled_back(
    agent: RunningAgent, platform: TestPlatform
) -> None:
    releases = platform.releases
    agent.start()
    agent.online()
    offer = releases.offer(releases.model(model(3), golden(3)), probation_seconds=3_600.0)
    releases.send(offer)
    releases.ended(offer, Reported.PROBATION)
    agent.until(lambda status: (status["model"] or {}).get("state") == "RUNNING")
    unfit = packed({"other": X})
    for _ in range(FAILED_AT_LEAST):
        with pytest.raises(NotDone, match="the model takes x"):
            ask(Home(agent.home), {"do": "infer"}, unfit)
    report = releases.ended(offer)
    assert (report.state, report.problem) == (Reported.LOCAL_ROLLED_BACK, Problem.CRASHED)
    assert (report.release, "inferences failed" in str(report.detail)) == (None, True)


def test_a_clean_end_is_no_crash(agent: RunningAgent, platform: TestPlatform) -> None:
    releases = platform.releases
    agent.start()
    agent.online()
    release = releases.model(model(2), golden(2))
    offer = releases.offer(release, probation_seconds=3_600.0)
    releases.send(offer)
    releases.ended(offer, Reported.PROBATION)
    for _ in range(MOST_CRASHES_IN_PROBATION + 1):
        agent.stop()
        agent.start()
        agent.online()
    assert agent.status()["update"]["stage"] == "PROBATION"
    assert agent.status()["update"]["release"] == release.id


def test_a_health_check_that_crashes_takes_nothing_else_down_and_is_told(tmp_path: Path) -> None:
    """The model is a pipe that nobody writes to: its loading does not end by itself."""
    found: list[HealthFound] = []
    check = threading.Thread(target=lambda: found.append(_checked(tmp_path, 3_600.0)))
    check.start()
    me = psutil.Process()
    (child,) = eventually(lambda: [one for one in me.children() if _checks(one)])
    child.send_signal(signal.SIGSEGV)
    check.join()
    assert found[0].problem is Problem.CRASHED
    assert f"signal {int(signal.SIGSEGV)}" in str(found[0].detail)


def test_a_health_check_that_does_not_end_is_ended(tmp_path: Path) -> None:
    found = _checked(tmp_path, 1.0)
    assert found.problem is Problem.LOAD_FAILED
    assert "within 1 s" in str(found.detail)


def _checks(process: psutil.Process) -> bool:
    try:
        return "edge.update.health" in process.cmdline()
    except psutil.Error:
        return False


def _checked(folder: Path, seconds: float) -> HealthFound:
    pipe = folder / "model"
    os.mkfifo(pipe)
    request = {
        "model": str(pipe), "format": "ONNX", "golden": None, "min_cosine": 0.9, "threads": 1,
    }  # fmt: skip
    return health.check(1, request, seconds, lambda: True)
