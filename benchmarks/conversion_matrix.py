"""Every conversion and precision there is, on real models: what was made, by what, and how near it
is to its source.

`EDGEWISE_CONVERSIONS="openvino tflite"` tries the cases of those tables alone, and keeps the rest
as they were found before. Writes benchmarks/conversions.json, docs/conversions.md and the summary
in the README.
"""

import json
import os
import re
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import conversions
from benchmarks.conversions.case import Case
from benchmarks.conversions.judged import BUILT, PASSED, Judged, judged
from benchmarks.figure import Figure, Target
from infrastructure.toolchains.catalog import CATALOG
from infrastructure.toolchains.environments import Environments
from interfaces.settings import read_settings

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("conversions.json")
REPORT, README = ROOT / "docs" / "conversions.md", ROOT / "README.md"
KEPT = ROOT / ".edgewise" / "benchmarks" / "packages"
TABLES = ("onnx", "tflite", *CATALOG)
LEAST = 12
INTRODUCTION = """# Conversions, measured

Each row is a real model, made into another format or precision as a worker does it: in the sandbox,
in the Python of its toolchain, then loaded and compared with its source. `make bench
ARGS=conversion_matrix` writes this page.

**Parity** is the cosine of the worst output against the source's, then, where it has classes, the
share of rows with the same class; **size** is the file against the source's. Where a dataset is
named it was calibrated and compared on the same rows: this is a check of the conversion, not of
accuracy on unseen data. *Random* rows say less. *Built* is a file that nothing on a server runs.
**Seconds** are of the pass and its proof on whatever machine it was, busy or not: no figure to
compare by.
"""


def measure() -> Iterable[Figure]:
    tables = chosen(os.environ.get("EDGEWISE_CONVERSIONS", ""))
    environments = Environments(read_settings(os.environ).toolchains_home)
    KEPT.mkdir(parents=True, exist_ok=True)
    for name, cases in tables.items():
        found = []
        for case in cases:
            print(f"  {case.name} …", flush=True)
            found.append(judged(case, KEPT, environments))
            print(f"    {found[-1].verdict} {found[-1].why}", flush=True)
        keep(name, found)
    rows = kept()
    REPORT.write_text(report(rows))
    README.write_text(with_summary(README.read_text(), rows))
    green = sum(one.verdict == PASSED for one in rows)
    built = sum(one.verdict == BUILT for one in rows)
    note = f"{len(rows)} cases in all, {built} of them built for what no server runs"
    yield Figure("conversion_matrix_passed", green, "cases", target=Target(LEAST), note=note)


def tables() -> dict[str, tuple[Case, ...]]:
    """By the name of the module; that of a toolchain, or of a format that needs none."""
    modules = (f"{conversions.__name__}.{name}" for name in TABLES)
    return {
        module.rpartition(".")[2]: tuple(import_module(module).CASES)
        for module in modules
        if find_spec(module) is not None
    }


def chosen(names: str) -> dict[str, tuple[Case, ...]]:
    """Those named, all where none is. Raises ValueError."""
    known = tables()
    wanted = names.replace(",", " ").split()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"There is no table {unknown[0]}. There are: {', '.join(known)}.")
    return {name: cases for name, cases in known.items() if not wanted or name in wanted}


def keep(name: str, found: Sequence[Judged], path: Path = RESULTS) -> None:
    """Puts what was found of one table in the place of what was found before."""
    held: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    held[name] = [one.as_json() for one in found]
    text = json.dumps(dict(sorted(held.items())), indent=1, ensure_ascii=False)
    path.write_text(f"{text}\n")


def kept(path: Path = RESULTS) -> list[Judged]:
    held = json.loads(path.read_text())
    return [Judged(**one) for rows in held.values() for one in rows]


def report(rows: Sequence[Judged]) -> str:
    """The page with every row."""
    head = "| model and result | by | seconds | size | parity | rows | evidence | verdict |\n"
    rule = "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
    good = sum(one.verdict == PASSED for one in rows)
    wrong = [one for one in rows if one.why]
    notes = "".join(f"- **{_cell(one.name)}**: {_cell(one.why)}\n" for one in wrong)
    counted = f"\n{good} of {len(rows)} cases passed.\n\n"
    notes = f"\n## What did not pass, and why\n{notes}" if wrong else ""
    return INTRODUCTION + counted + head + rule + "".join(map(_row, rows)) + notes


def _row(one: Judged) -> str:
    cells = (
        _cell(one.name),
        one.by,
        f"{one.seconds:.1f}",
        "" if one.ratio is None else f"×{one.ratio:.2f}",
        _parity(one),
        {"DATASET": "data", "SYNTHETIC": "random"}.get(one.inputs, ""),
        one.evidence.lower(),
        one.verdict,
    )
    return f"| {' | '.join(cells)} |\n"


def _parity(one: Judged) -> str:
    if one.parity is None:
        return ""
    agreed = "" if one.agreement is None else f", {one.agreement:.1%}"
    return f"{one.parity:.5f}{agreed}"


def summary(rows: Sequence[Judged]) -> str:
    """A line for each pair of formats: which passes were tried, and how many cases passed."""
    pairs: dict[tuple[str, str], list[Judged]] = {}
    for one in rows:
        if one.takes:
            pairs.setdefault((one.takes, one.gives), []).append(one)
    lines = ["| from | to | tried | passed |", "| --- | --- | --- | --- |"]
    for (takes, gives), found in sorted(pairs.items()):
        tried = ", ".join(dict.fromkeys(one.made_by for one in found))
        good = sum(one.verdict == PASSED for one in found)
        built = sum(one.verdict == BUILT for one in found)
        told = f"{good} of {len(found)}" + (f", {built} built" if built else "")
        lines.append(f"| {takes} | {gives} | {tried} | {told} |")
    return "\n".join(lines)


def with_summary(readme: str, rows: Sequence[Judged]) -> str:
    """Between the markers; raises ValueError where there are none."""
    begin, end = "<!-- conversions -->", "<!-- /conversions -->"
    if begin not in readme or end not in readme:
        raise ValueError(f"The README has no {begin} and {end}.")
    inside = f"{begin}\n{summary(rows)}\n{end}"
    return re.sub(f"{begin}.*?{end}", lambda _: inside, readme, flags=re.DOTALL)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
