"""How things look in a terminal: lines, tables, facts, and progress on standard error.

Answers go to standard output, everything that moves to standard error: `edgewise … > file` keeps
what was asked for. Rich leaves out color and movement where the terminal has none.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from interfaces.cli.plain import in_json, plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

WIDEST = 2_000
_CONSOLES: dict[bool, "Console"] = {}


def console(*, stderr: bool = False) -> "Console":
    """The one console of a stream; made late, since Rich is slow to import."""
    from rich.console import Console

    held = _CONSOLES.get(stderr)
    # A test, or a caller, may have replaced the stream since.
    if held is None or held.file is not (sys.stderr if stderr else sys.stdout):
        held = Console(file=sys.stderr if stderr else sys.stdout, highlight=False, emoji=False)
        if not held.is_terminal:
            # Nobody reads it at a width of 80: a file or a pipe gets every cell whole.
            held.width = WIDEST
        _CONSOLES[stderr] = held
    return held


def text(value: object) -> str:
    """A string of the server's as Rich markup that shows it and does nothing else."""
    from rich.markup import escape

    return escape(plain(value))


def line(markup: str) -> None:
    """A line on standard output. Whatever came from a server must have gone through `text`."""
    console().print(markup, soft_wrap=True)


def note(markup: str) -> None:
    """A line on standard error: what is going on, not what was asked for."""
    console(stderr=True).print(markup, soft_wrap=True)


def data(value: Any) -> None:
    """One JSON object on standard output."""
    sys.stdout.write(in_json(value, indent=2) + "\n")
    sys.stdout.flush()


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str = "") -> None:
    """Cells are markup. A column named with `>` before is for numbers."""
    from rich import box
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        right = column.startswith(">")
        grid.add_column(
            column.removeprefix(">"), justify="right" if right else "left", overflow="fold"
        )
    for row in rows:
        grid.add_row(*row)
    if not grid.row_count and empty:
        note(empty)
        return
    console().print(grid)


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Names and their values, one to a line; values are markup."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, value)
    console().print(grid)


def progress(*, transfer: bool = False) -> "Progress":
    """Bars on standard error. `transfer` shows bytes, speed and the time that is left."""
    from rich import progress as rich

    columns: list[rich.ProgressColumn] = [
        rich.TextColumn("{task.description}"),
        rich.BarColumn(bar_width=24),
    ]
    if transfer:
        columns += [rich.DownloadColumn(), rich.TransferSpeedColumn(), rich.TimeRemainingColumn()]
    else:
        columns += [
            rich.TextColumn("{task.percentage:>3.0f} %"),
            rich.TimeElapsedColumn(),
            rich.TextColumn("{task.fields[message]}", markup=True),
        ]
    return rich.Progress(*columns, console=console(stderr=True))
