"""`make chaos` or `make chaos ARGS="--kills 1000"`: kills everything, again and again, and counts.

Prints one JSON object at the end; the exit code is 1 when anything acknowledged is missing, was
done twice, or is not as the log says.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.chaos.storm import Storm
from tests.chaos.tiny_model import tiny_model
from tests.services.postgres import OwnPostgres
from tests.services.programs import program
from tests.services.redis import OwnRedis
from tests.services.session_folder import new_folder


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__.split(":")[0])
    parser.add_argument("--kills", type=int, default=100, help="how many `kill -9` (100)")
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between two (1.0)")
    parser.add_argument("--clients", type=int, default=4, help="clients at once (4)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same victims (1)")
    parser.add_argument("--keep", type=Path, help="keep the processes' logs in this folder")
    given = parser.parse_args()
    postgres, folder = OwnPostgres(new_folder("postgres")), new_folder("chaos")
    postgres.start()
    redis = OwnRedis(
        new_folder("redis"), program("redis-server", "valkey-server", package="redis-server")
    )
    redis.start()
    columns = (
        TextColumn("kills"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=given.kills)
        found = Storm(given.kills, given.seed, given.pause, given.clients).rage(
            folder / "home",
            tiny_model(folder / "tiny.onnx"),
            postgres,
            redis,
            lambda number, what: progress.update(task, completed=number, description=what),
        )
    if given.keep is not None:
        shutil.copytree(folder / "home", given.keep, dirs_exist_ok=True)
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
