"""A child that every model brings down, whatever is done with it."""

import os
from typing import Any

from infrastructure.engine import child, tasks
from infrastructure.engine.reporting import Reporter


def main() -> None:
    tasks.TASKS.update(dict.fromkeys(("inspect", "prepare", "benchmark"), f"{__spec__.name}:abort"))
    child.main()


def abort(_request: dict[str, Any], _reporter: Reporter) -> dict[str, Any]:
    os.abort()


if __name__ == "__main__":
    main()
