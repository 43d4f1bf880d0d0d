"""How tests wait: for a condition, and far longer than any machine needs.

A deadline here only ends what hangs. Speed is measured in benchmarks/ and asserted nowhere.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import httpx

T = TypeVar("T")

PATIENCE = 300.0
"""Seconds: how long anything that must come may take. pytest ends a test at twice that."""

LOOK_EVERY = 0.05


def eventually(look: Callable[[], T], seconds: float = PATIENCE) -> T:
    """What `look` finds, once it finds something true; its last error or a failure otherwise."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := look():
                return found
            problem: Exception = AssertionError(f"nothing within {seconds:g} s")
        except (httpx.HTTPError, AssertionError, LookupError) as error:
            problem = error
        if time.monotonic() > deadline:
            raise problem
        time.sleep(LOOK_EVERY)
