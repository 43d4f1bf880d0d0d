"""The sandbox: whatever happens in a child, the parent gets an answer or a named failure, soon."""

import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from application.ports.engine import CrashKind, EngineCancelled, EngineCrashed, EngineRefusal
from infrastructure.engine.limits import Limits
from infrastructure.engine.sandbox import Sandbox
from tests.engine.bad_child import LIMITS, MIB, Misbehaving, Onlooker
from tests.patience import PATIENCE

pytest_plugins = ("tests.engine.bad_child",)


def crash_of(bad: Misbehaving, limits: Limits, task: str, **request: Any) -> EngineCrashed:
    with pytest.raises(EngineCrashed) as caught:
        bad.within(limits, task, **request)
    return caught.value


def test_a_task_that_is_not_in_the_registry_does_not_run(tmp_path: Path) -> None:
    with pytest.raises(EngineCrashed, match="os:system"):
        Sandbox().run("os:system", {}, tmp_path)


def test_stages_and_ticks_reach_the_watch_in_order(child: Misbehaving) -> None:
    watch = Onlooker()
    assert child.run("work_in_stages", watch) == {"done": True}
    assert ("tick", "51", "too soon") not in watch.seen
    kept = [one for one in watch.seen if one[0] != "tick" or one[1] == "100"]
    assert kept == [
        (kind, *rest)
        for stage in ("load", "save")
        for kind, *rest in (("started", stage), ("tick", "100", "done"), ("finished", stage))
    ]


def test_what_libraries_print_is_no_part_of_the_answer(child: Misbehaving) -> None:
    assert child.run("print_much") == {"true": 1}


def test_a_refusal_crosses_whole(child: Misbehaving) -> None:
    with pytest.raises(EngineRefusal) as caught:
        child.run("refuse")
    told = caught.value
    assert (told.code, told.message, told.remedy, told.field) == (
        "EXTERNAL_DATA",
        "What was found.",
        "What to do.",
        "uploadId",
    )


def test_a_child_is_stopped_at_its_time_limit(bad: Misbehaving) -> None:
    crash = crash_of(bad, Limits(seconds=1.0), "beat")
    assert crash.kind is CrashKind.TIMEOUT
    assert not crash.retryable
    assert "1 s" in crash.detail
    assert bad.falls_silent()


def test_a_child_is_stopped_at_its_memory_limit(bad: Misbehaving) -> None:
    crash = crash_of(bad, Limits(seconds=PATIENCE, memory_bytes=200 * MIB), "hoard")
    assert crash.kind is CrashKind.MEMORY
    assert not crash.retryable


def test_one_huge_allocation_is_refused_before_it_is_made(bad: Misbehaving) -> None:
    limits = Limits(seconds=PATIENCE, memory_bytes=200 * MIB)
    crash = crash_of(bad, limits, "grab", bytes=64 << 30)
    assert crash.kind is CrashKind.MEMORY
    assert not crash.retryable


def test_a_file_that_grows_too_large_is_an_error(child: Misbehaving) -> None:
    crash = crash_of(child, Limits(seconds=PATIENCE, file_bytes=8 * MIB), "write_much")
    assert crash.kind is CrashKind.ERROR
    assert not crash.retryable
    assert (child.scratch / "much").stat().st_size <= 8 * MIB


@pytest.mark.parametrize("how", ["read address zero", "SIGABRT"])
def test_a_library_that_crashes_is_an_error_that_is_not_tried_again(
    bad: Misbehaving, how: str
) -> None:
    crash = crash_of(bad, LIMITS, "crash", how=how)
    assert crash.kind is CrashKind.ERROR
    assert not crash.retryable
    assert "SIG" in crash.detail


def test_a_child_that_somebody_killed_may_be_tried_again(bad: Misbehaving) -> None:
    crash = crash_of(bad, LIMITS, "crash", how="SIGKILL")
    assert crash.kind is CrashKind.KILLED
    assert crash.retryable


def test_a_failure_tells_what_the_library_said(child: Misbehaving) -> None:
    crash = crash_of(child, LIMITS, "fail")
    assert crash.kind is CrashKind.ERROR
    assert "the library gave up" in crash.detail


def test_a_child_that_ends_without_a_word_is_an_error(child: Misbehaving) -> None:
    assert crash_of(child, LIMITS, "end_quietly").kind is CrashKind.ERROR


@pytest.mark.parametrize("words", ["no json\n", "[]\n", '{"result": 1}\n', '{"stage": []}\n'])
def test_a_child_that_talks_nonsense_is_an_error(child: Misbehaving, words: str) -> None:
    assert crash_of(child, LIMITS, "say", bytes=words).kind is CrashKind.ERROR


@pytest.mark.parametrize("stubborn", [False, True])
def test_work_that_is_called_off_really_stops(bad: Misbehaving, stubborn: bool) -> None:
    watch = Onlooker(cancel_at=bad.scratch / "beats")
    with pytest.raises(EngineCancelled):
        bad.run("beat", watch, stubborn=stubborn)
    assert bad.falls_silent()


def test_no_zombies_and_no_open_files_are_left(child: Misbehaving) -> None:
    me = psutil.Process()
    child.run("print_much")
    before, children = me.num_fds(), {each.pid for each in me.children()}
    child.run("print_much")
    assert me.num_fds() == before
    assert {each.pid for each in me.children()} == children


def test_several_threads_use_a_sandbox_at_once(tmp_path: Path) -> None:
    sandbox, answers = Sandbox(), []

    def ask(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        answers.append(sandbox.run("ping", {"n": number}, folder).result["echo"]["n"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == list(range(6))


def test_a_process_that_waits_carries_out_the_order_when_it_comes(sandbox: Sandbox, tmp_path: Path):
    waiting = sandbox.waiting(tmp_path, [], ["json"])
    if waiting is None:
        pytest.skip("isolation begins with the order here")
    answer = sandbox.run("ping", {}, tmp_path, child=waiting)
    assert answer.result == sandbox.run("ping", {}, tmp_path).result


def test_a_process_that_waits_in_vain_is_ended(sandbox: Sandbox, tmp_path: Path):
    before = set(psutil.Process().children())
    waiting = sandbox.waiting(tmp_path, [], ["infrastructure.engine.variant"])
    if waiting is None:
        pytest.skip("isolation begins with the order here")
    assert set(psutil.Process().children()) - before
    waiting.close()
    waiting.close()
    assert set(psutil.Process().children()) <= before
