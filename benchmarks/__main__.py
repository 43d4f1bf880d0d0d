"""`python -m benchmarks [NAME …]`: measures, prints a table, writes `benchmarks/results.json`.

A run of some benchmarks replaces their figures in the file and keeps the others. The exit code is
1 when a gate was missed or a benchmark broke.
"""

import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.figure import Better, Figure
from benchmarks.registry import UnknownBenchmark, chosen, find

RESULTS = Path(__file__).parent / "results.json"


def main(names: Sequence[str]) -> int:
    console = Console()
    try:
        wanted = chosen(names)
    except UnknownBenchmark as unknown:
        console.print(f"error: {unknown}", markup=False)
        return 2
    figures: list[Figure] = []
    broken: list[str] = []
    for name in wanted:
        console.print(f"measuring {name} …", style="dim")
        try:
            figures += find(name)()
        except Exception:
            traceback.print_exc()
            broken.append(name)
    keep(figures)
    console.print(table(figures))
    if broken:
        console.print(f"broke: {', '.join(broken)}")
    return 1 if broken or any(figure.met is False for figure in figures) else 0


def keep(figures: Sequence[Figure], path: Path = RESULTS) -> None:
    """Writes the figures over those of the same name from earlier runs."""
    earlier: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    newer = {figure.name for figure in figures}
    rows = [row for row in earlier if row["name"] not in newer]
    rows += [figure.as_json() for figure in figures]
    path.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")


def table(figures: Sequence[Figure]) -> Table:
    """What people look at."""
    found = Table("name", "measured", "against", "ratio", "gate", "aim", "", box=None)
    for figure in figures:
        target = figure.target
        less = target is not None and target.better is Better.LESS
        found.add_row(
            figure.name,
            f"{figure.value:,.4g} {figure.unit}",
            "" if figure.baseline is None else f"{figure.against}: {figure.baseline:,.4g}",
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            "" if target is None else f"{'≤' if less else '≥'} {target.gate:g}",
            "" if target is None or target.aim is None else f"{target.aim:g}",
            {None: "", True: "[green]met", False: "[red]missed"}[figure.met],
        )
        if figure.note:
            found.add_row("", f"[dim]{figure.note}")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
