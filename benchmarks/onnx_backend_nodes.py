"""How many of the ONNX backend suite's node tests go through inspection, each pass and parity.

Every test must end in a file with a verdict, a reason, or a refusal: one that ends its process, or
hangs, misses the gate. Writes docs/onnx-coverage.md with the counts and the reasons.
"""

import json
import multiprocessing
import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.figure import Better, Figure, Target
from benchmarks.node_tests import FIXED, PASSES, Judged, cases, judged

REPORT = Path(__file__).parent.parent / "docs" / "onnx-coverage.md"
PATIENCE = 300.0
CHUNK = 40
CRASHED = "ended its process"
SHOWN = 3
INTRODUCTION = """All {whole:,} node tests of the `onnx` package's backend suite, each through
inspection, every pass that a level of optimization tries, and parity with its source on the test's
own inputs. Calibrated passes are calibrated on the same one row.

Most tests are one operator, and the suite feeds its weights as inputs. So most passes have nothing
to do on them, and say so: a skipped pass is no proof of that pass. The {fixed:,} tests of operators
with weights are therefore done a second time with all inputs but the first made constants; what
INT8 is proven on here is those alone.
"""


def measure() -> Iterable[Figure]:
    found = run_all(cases())
    REPORT.write_text(report(found))
    yield from figures(found)


def run_all(tests: Sequence[Any]) -> list[Judged]:
    """In the tests' order, in processes of their own, as many at once as there are cores."""
    chunks = [tests[at : at + CHUNK] for at in range(0, len(tests), CHUNK)]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [one for found in pool.map(lambda chunk: list(_run(chunk)), chunks) for one in found]


def _run(tests: Sequence[Any]) -> Iterator[Judged]:
    """A test that ends its process is told so, and the next process goes on after it."""
    left = list(tests)
    while left:
        ours, theirs = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(target=_judge, args=(left, theirs))
        process.start()
        theirs.close()
        for _ in list(left):
            told = _received(ours)
            if told is None:
                told = Judged(left[0].name, (CRASHED, f"{left[0].name}"))
                left.pop(0)
                yield told
                break
            left.pop(0)
            yield told
        process.kill()
        process.join()


def _received(pipe: Connection) -> Judged | None:
    try:
        if not pipe.poll(PATIENCE):
            return None
        plain = json.loads(pipe.recv_bytes())
    except (EOFError, OSError):
        return None
    pairs = {name: tuple(one) for name, one in plain.pop("passes").items()}
    words: dict[str, Any] = {
        name: tuple(one) if isinstance(one, list) else one for name, one in plain.items()
    }
    return Judged(**words, passes=pairs)


def _judge(tests: Sequence[Any], pipe: Connection) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)
    with tempfile.TemporaryDirectory() as folder:
        for one in tests:
            pipe.send_bytes(json.dumps(asdict(judged(one, Path(folder)))).encode())


def figures(found: Sequence[Judged]) -> Iterator[Figure]:
    taken = [one for one in found if one.inspection[0] == "taken"]
    crashed = [one for one in found if one.inspection[0] == CRASHED]
    yield Figure("onnx_nodes_inspected", len(taken), f"of {len(found):,} tests")
    for one in PASSES:
        words = Counter(test.passes[one][0] for test in found if test.passes)
        made = sum(count for word, count in words.items() if word.startswith("made"))
        held = words["made, parity holds"]
        note = f"{made:,} made; the rest skipped or failed with a reason"
        yield Figure(f"onnx_nodes_{one.lower()}", held, "made, parity holds", note=note)
    yield Figure(
        "onnx_nodes_without_an_answer", len(crashed), "tests", target=Target(0, 0, Better.LESS)
    )


def report(found: Sequence[Judged]) -> str:
    """The whole page."""
    taken = sum(one.inspection[0] == "taken" for one in found)
    fixed = sum(one.name.endswith(FIXED) for one in found)
    names = ("onnx", "onnxruntime", "onnxslim", "onnxconverter-common")
    libraries = ", ".join(f"{name} {version(name)}" for name in names)
    parts = [
        "# ONNX coverage\n",
        INTRODUCTION.format(whole=len(found) - fixed, fixed=fixed),
        f"Made by `make bench ARGS=onnx_backend_nodes` with {libraries}.\n",
        f"{taken:,} of {len(found):,} are taken by inspection.\n",
        _table("Inspection", [one.inspection for one in found], found),
        _table("ONNX Runtime, on what was taken", [one.run for one in found], found),
    ]
    for one in PASSES:
        rows = [test.passes.get(one, ("", "")) for test in found]
        parts.append(_table(f"Pass {one}", rows, found))
    return "\n".join(parts)


def _table(title: str, rows: Sequence[tuple[str, str]], found: Sequence[Judged]) -> str:
    counted: dict[str, int] = Counter(word for word, _ in rows if word)
    why: dict[str, list[str]] = defaultdict(list)
    for (word, reason), test in zip(rows, found, strict=True):
        if reason and len(why[word]) < SHOWN:
            why[word].append(f"`{test.name}`: {_escaped(reason)}")
    lines = [f"## {title}\n", "| outcome | tests | such as |", "| --- | --- | --- |"]
    for word, count in sorted(counted.items(), key=lambda one: (-one[1], one[0])):
        lines.append(f"| {word} | {count:,} | {'<br>'.join(why[word])} |")
    return "\n".join(lines) + "\n"


def _escaped(reason: str) -> str:
    return reason.replace("|", "\\|").replace("<", "&lt;")[:240]
