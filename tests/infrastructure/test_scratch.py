"""Scratch folders go with their process, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from infrastructure.scratch import STARTING_SECONDS, STRAY_SECONDS, Scratch

WORKING = """
import sys, time
from pathlib import Path
from infrastructure.scratch import Scratch
folder = Scratch(Path(sys.argv[1])).own()
(folder / "copy").write_bytes(b"12345")
print(folder, flush=True)
time.sleep(600)
"""


def test_the_folder_of_a_killed_process_is_removed_and_that_of_a_living_one_is_not(
    tmp_path: Path,
) -> None:
    mine = Scratch(tmp_path)
    (mine.own() / "work").write_bytes(b"1")
    other = subprocess.Popen(
        [sys.executable, "-c", WORKING, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    theirs = Path(other.stdout.readline().strip())
    assert mine.sweep() == 0
    assert (theirs / "copy").exists()
    other.send_signal(signal.SIGKILL)
    other.wait()
    third = Scratch(tmp_path)
    third.own()
    assert not theirs.exists()
    third.close()
    assert (mine.own() / "work").exists()
    mine.close()
    assert list(tmp_path.iterdir()) == []


def test_strays_go_when_they_are_old(tmp_path: Path) -> None:
    stray, lock = tmp_path / "tmpabc", tmp_path / "gone.lock"
    stray.mkdir()
    lock.touch()
    assert (Scratch(tmp_path).sweep(), stray.exists(), lock.exists()) == (0, True, True)
    for path, seconds in ((stray, STRAY_SECONDS), (lock, STARTING_SECONDS)):
        old = time.time() - seconds - 1
        os.utime(path, (old, old))
    Scratch(tmp_path).sweep()
    assert list(tmp_path.iterdir()) == []
