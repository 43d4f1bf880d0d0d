"""`edgewise passes`: what a model can be optimized by, and what each pass reads."""

from typing import Annotated, Any

import typer

from interfaces.cli import choices, find, show
from interfaces.cli.plain import evidence
from interfaces.cli.queries import job as queries
from interfaces.cli.session import Session, connected

COLUMNS = (
    "Pass",
    "From",
    "To",
    "What it does",
    "Calibration",
    "Times on a CPU",
    "Settings",
    "Toolchain",
    "Its file runs on",
)
DEFAULT_BLOCK = 32
_DATA = {"NOT_USED": "no data", "HELPS": "data helps", "REQUIRED": "needs data"}


@connected
def passes(
    session: Session,
    profile: Annotated[
        str | None, typer.Option("--for", help="What would be tried for this device, and why.")
    ] = None,
    level: Annotated[
        choices.Level, typer.Option(case_sensitive=False, help="What matters most, with --for.")
    ] = choices.Level.BALANCED,
    source: Annotated[
        choices.Source, typer.Option("--from", case_sensitive=False, help="The model's format.")
    ] = choices.Source.ONNX,
    target: Annotated[
        choices.Target | None,
        typer.Option("--to", case_sensitive=False, help="The format to make, with --for."),
    ] = None,
    size: Annotated[int, typer.Option(min=1, help="The model's bytes, with --for.")] = 1_000_000,
) -> None:
    """Show what a model can be optimized by, or what would be tried for a device."""
    client = session.client
    if profile is None:
        found = client.run(queries.PASSES)["optimizationPasses"]
        session.answer(found, lambda: show.table(COLUMNS, map(_row, found)))
        return
    advice = client.run(
        queries.RECOMMENDATION,
        format=source.value,
        bytes=size,
        level=level.value,
        profile=find.profile(client, profile)["id"],
        target=target.value if target else None,
    )["optimizationRecommendation"]
    session.answer(advice, lambda: _advise(advice))


def _advise(advice: dict[str, Any]) -> None:
    pairs = [("target", advice["target"]), ("passes", ", ".join(advice["passes"]))]
    if advice["reduceRange"]:
        pairs.append(("INT8", "weights of 7 bits"))
    if advice["blockSize"] != DEFAULT_BLOCK:
        pairs.append(("INT4", f"blocks of {advice['blockSize']}"))
    if advice["maxBytes"]:
        pairs.append(("at most", f"{advice['maxBytes']:,} bytes"))
    pairs += [("because", show.text(reason)) for reason in advice["reasons"]]
    show.facts(pairs)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        one["name"],
        one["format"],
        one["gives"],
        show.text(one["what"]),
        _DATA[one["calibration"]],
        evidence(one["evidence"]),
        ", ".join(one["settings"]) or "–",
        one["toolchain"] or "–",
        show.text(one["hardware"]) if one["hardware"] else "a CPU",
    )
