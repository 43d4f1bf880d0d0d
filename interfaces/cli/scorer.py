"""`edgewise scorers`, and how an optimization is told by which scorer to judge."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interfaces.cli import show
from interfaces.cli.queries import job as queries
from interfaces.cli.refused import CommandRefused
from interfaces.cli.session import Session, connected

OWN = ".py"
LONGEST_FILE = 2**20


@connected
def scorers(session: Session) -> None:
    """Show what variants can be judged by, and how each scorer is set."""
    found = session.client.run(queries.SCORERS)["scorers"]
    session.answer(found, lambda: _print(found))


def scorer_input(named: str | None, settings: Sequence[str]) -> dict[str, Any] | None:
    """The API's input: a scorer by its name, or one's own from a Python file; each setting is
    `name=value`, the value as JSON or as a text, or `@` and a file with either. Refuses INVALID."""
    if named is None:
        if settings:
            raise CommandRefused("INVALID", "Name the scorer that is to be set.", "scorer")
        return None
    given = dict(map(_setting, settings))
    if not named.lower().endswith(OWN):
        return {"name": named.upper(), "settings": given}
    return {"name": "CUSTOM", "settings": given, "code": _read(Path(named), "scorer")}


def _setting(told: str) -> tuple[str, Any]:
    name, equals, value = told.partition("=")
    if not (name and equals):
        raise CommandRefused("INVALID", f"Write name=value, not {told!r}.", "scorer-setting")
    if value.startswith("@"):
        value = _read(Path(value[1:]), "scorer-setting")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _read(path: Path, field: str) -> str:
    try:
        if path.stat().st_size > LONGEST_FILE:
            raise CommandRefused("TOO_LARGE", f"{path} is larger than a MiB.", field)
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CommandRefused("INVALID", f"{path} cannot be read: {error}.", field) from error


def _print(found: list[dict[str, Any]]) -> None:
    rows = [row for one in found for row in _rows(one)]
    show.table(("Scorer", "Setting", "Default", "What it does"), rows)
    for one in found:
        show.line(f"[dim]{one['name']} reads {show.text(one['labels'])}.[/dim]")


def _rows(one: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [(f"[bold]{one['name']}[/bold]", "", "", show.text(one["what"]))]
    for setting in one["settings"]:
        what = setting["what"]
        if setting["choices"]:
            what += f" {', '.join(setting['choices'])}."
        default = "–" if setting["default"] in ("", []) else str(setting["default"])
        rows.append(("", setting["name"], show.text(default), show.text(what)))
    return rows
