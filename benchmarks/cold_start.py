"""Cold start: from the start of the process `edgewise up` on a home that holds data to the first
`/readyz` that answers 200.

Each start is a new process, with PostgreSQL stopped before it in good order; the files are in the
page cache. The first start of all, which makes the database, is left out.
"""

from collections.abc import Iterable
from statistics import median

from benchmarks.figure import Better, Figure, Target
from benchmarks.processes import edgewise

STARTS = 7
MODELS = 50

REGISTER = """mutation($name: String!) { modelRegister(name: $name, task: OTHER) {
  eventPosition userErrors { code message } } }"""


def measure() -> Iterable[Figure]:
    with edgewise() as installation:
        installation.up()
        with installation.client() as client:
            for number in range(MODELS):
                client.change(REGISTER, name=f"model {number}")
        installation.stop()
        seconds = []
        for _ in range(STARTS):
            seconds.append(installation.up())
            installation.stop()
    yield Figure(
        "cold_start",
        median(seconds),
        "s",
        target=Target(gate=5, aim=2, better=Better.LESS),
        note=f"median of {STARTS} starts, {min(seconds):.2f} to {max(seconds):.2f} s",
    )
