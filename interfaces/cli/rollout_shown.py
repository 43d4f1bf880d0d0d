"""How a rollout looks in a terminal: its waves as bars, and what was decided on what."""

from collections.abc import Mapping, Sequence
from typing import Any

from interfaces.cli import show
from interfaces.cli.ids import short, uuid_of
from interfaces.cli.plain import when

BAR = 40
COLORS = {
    "CONFIRMED": "green",
    "SKIPPED": "green",
    "REVERTED": "yellow",
    "REVERTING": "yellow",
    "CANCELED": "dim",
    "QUEUED": "dim",
}
BAD = ("REJECTED", "FAILED", "TIMED_OUT", "LOST", "LOCAL_ROLLED_BACK")
STATUS_COLORS = {
    "RUNNING": "cyan",
    "COMPLETED": "green",
    "PAUSED": "yellow",
    "ROLLING_BACK": "red",
    "ROLLED_BACK": "red",
    "ROLLBACK_INCOMPLETE": "red",
    "ABORTED": "yellow",
}


def status_of(rollout: Mapping[str, Any]) -> str:
    """With why, where it was stopped."""
    color = STATUS_COLORS.get(rollout["status"])
    told = rollout["status"].lower().replace("_", " ")
    told = f"[{color}]{told}[/{color}]" if color else told
    return f"{told} ({rollout['reason'].lower().replace('_', ' ')})" if rollout["reason"] else told


def state_of(state: str) -> str:
    color = "red" if state in BAD else COLORS.get(state, "cyan")
    return f"[{color}]{state.lower().replace('_', ' ')}[/{color}]"


def bar(counts: Sequence[Mapping[str, Any]]) -> str:
    """All devices of a rollout as one line, each state as long as its share."""
    total = sum(one["count"] for one in counts)
    pieces = []
    for one in counts:
        color = "red" if one["state"] in BAD else COLORS.get(one["state"], "cyan")
        cells = max(1, round(BAR * one["count"] / total))
        glyph = "░" if one["state"] in ("QUEUED", "CANCELED") else "█"
        pieces.append(f"[{color}]{glyph * cells}[/{color}]")
    return "".join(pieces)


def counted(counts: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['count']:,} {state_of(one['state'])}" for one in counts)


def print_rollout(rollout: Mapping[str, Any]) -> None:
    wave = f"{rollout['wave']} of {len(rollout['waveSizes'])}" if rollout["waveSizes"] else "–"
    phase = f", {rollout['phase'].lower()}" if rollout["phase"] else ""
    facts = [
        ("rollout", f"[bold]{show.text(rollout['name'])}[/bold]"),
        ("id", uuid_of(rollout["id"])),
        ("status", status_of(rollout)),
        ("wave", f"{wave}{phase}"),
        ("drafted", f"{when(rollout['draftedAt'])} by {show.text(rollout['author'])}"),
    ]
    if rollout["approvedAt"]:
        told = f"{when(rollout['approvedAt'])} by {show.text(rollout['approvedBy'])}"
        facts.append(("approved", told))
    if rollout["message"]:
        facts.append(("why", show.text(rollout["message"])))
    if rollout["updateCounts"]:
        facts += [
            ("devices", bar(rollout["updateCounts"])),
            ("", counted(rollout["updateCounts"])),
        ]
    if rollout["evidence"]:
        facts += [("decided on", line) for line in evidence_lines(rollout["evidence"])]
    show.facts(facts)


def evidence_lines(evidence: Mapping[str, Any]) -> list[str]:
    """The stop rule's finding, then each health gate's."""
    lines = [rule_line(evidence["rule"])]
    for gate in evidence["gates"]:
        told = {True: "[green]passes[/green]", False: "[red]fails[/red]", None: "too few yet"}
        lines.append(
            f"{gate['metric'].lower().replace('_', ' ')}: {_number(gate['new'])} new, "
            f"{_number(gate['old'])} old, at most {gate['limitRatio']:g} times: "
            f"{told[gate['passes']]} (measured on {gate['newDevices']} and "
            f"{gate['oldDevices']} devices)"
        )
    return lines


def rule_line(rule: Mapping[str, Any]) -> str:
    name = "e-value" if rule["kind"] == "E_PROCESS" else "share of failures"
    stops = " [red]stops[/red]" if rule["stops"] else ""
    return (
        f"{rule['failures']} of {rule['outcomes']} failed: {name} {rule['value']:.3g} of "
        f"{rule['limit']:.3g}{stops}"
    )


UPDATE_COLUMNS = ("Device", ">Wave", "State", ">Attempt", "Problem", "Since")


def update_row(update: Mapping[str, Any]) -> tuple[str, ...]:
    device = update["device"]
    name = device["name"] if device else short(update["deviceId"])
    problem = update["problem"] or update["detail"] or ""
    code = f"{update['code']}: " if update["code"] else ""
    return (
        show.text(name),
        str(update["wave"]),
        state_of(update["state"]),
        str(update["attempt"]),
        show.text(f"{code}{problem}" if problem or code else ""),
        when(update["updatedAt"]),
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
