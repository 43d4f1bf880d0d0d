"""How many threads an operator may use when nobody says; importing this loads no runtime."""

import os


def default_threads(asked: int | None) -> int:
    """What was asked for, else min(2, cores)."""
    return asked or min(2, os.cpu_count() or 1)
