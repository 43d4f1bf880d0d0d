"""`edgewise passes`: what a model can be optimized by, and what each pass reads."""

from typing import Any

from interfaces.cli import show
from interfaces.cli.plain import evidence
from interfaces.cli.queries import job as queries
from interfaces.cli.session import Session, connected

_DATA = {"NOT_USED": "no data", "HELPS": "data helps", "REQUIRED": "needs data"}


@connected
def passes(session: Session) -> None:
    """Show what a model can be optimized by."""
    found = session.client.run(queries.PASSES)["optimizationPasses"]
    session.answer(found, lambda: _print(found))


def _print(found: list[dict[str, Any]]) -> None:
    columns = ("Pass", "Format", "What it does", "Calibration", "Times on a CPU", "Settings")
    show.table(columns, map(_row, found))


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        one["name"],
        one["format"],
        show.text(one["what"]),
        _DATA[one["calibration"]],
        evidence(one["evidence"]),
        ", ".join(one["settings"]) or "–",
    )
