"""The memory of an engine process is that of all it started."""

import os
import subprocess
import sys

import pytest

from infrastructure.engine import resident

HELD = 50_000_000
HOLDING = f"""
import subprocess, sys
held = bytearray(b"x" * {HELD})
inner = "held = bytearray(b'x' * {HELD}); print('ready', flush=True); input()"
subprocess.run([sys.executable, "-c", inner])
"""


@pytest.mark.parametrize("look", [resident._by_proc, resident._by_psutil])
def test_a_process_is_counted_with_its_descendants(look: object) -> None:
    assert callable(look)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    assert look(process.pid) > 2 * HELD
    process.communicate(b"\n")
    assert look(process.pid) == 0
    assert look(os.getpid()) > 0
