"""What doing an optimization again brought: each file then and now, and what differs."""

from typing import Any

from interfaces.cli import show


def print_reproduction(again: dict[str, Any]) -> None:
    """From the job's `result.reproduction`."""
    rows = [
        (show.text(one["name"]), _sha(one["then"]), _sha(one["now"]), _same(one))
        for one in again["variants"]
    ]
    show.table(("Variant", "Then", "Now", ""), rows, empty="There were no variants.")
    show.line(show.text(again["told"]))


def _sha(sha256: str | None) -> str:
    return "no file" if sha256 is None else sha256[:12]


def _same(one: dict[str, Any]) -> str:
    if one["then"] == one["now"]:
        return "[green]the same[/green]"
    return "[red]not the same[/red]"
