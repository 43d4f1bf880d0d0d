"""`edgewise rollout explain` and `replay`: why it went as it did, and how it would have gone."""

from typing import Annotated

import typer

from interfaces.cli import find, show
from interfaces.cli.ids import uuid_of
from interfaces.cli.moment import AsOfOption, as_of_or_now
from interfaces.cli.queries import rollout as queries
from interfaces.cli.refused import not_found
from interfaces.cli.rollout_options import (
    AlphaOption,
    HealthyOption,
    MaxRateOption,
    MinCountOption,
    RolloutArgument,
    Rule,
    RuleOption,
    rule_input,
)
from interfaces.cli.rollout_shown import rule_line
from interfaces.cli.session import Session, connected
from interfaces.cli.why import print_chain, told_of


def register(app: typer.Typer) -> None:
    """Adds the commands to `edgewise rollout`."""
    app.command("explain")(explain)
    app.command("replay")(replay)


@connected
def explain(
    session: Session,
    rollout: RolloutArgument,
    device: Annotated[
        str | None, typer.Option(help="Why this device is where it is; its name or id.")
    ] = None,
    as_of: AsOfOption = None,
) -> None:
    """Tell why a rollout, or one device in it, is as it is: the events that led there."""
    client, at = session.client, as_of_or_now(as_of)
    found = find.rollout(client, rollout, at)
    wanted = found["id"]
    if device is not None:
        wanted = _update_of(session, found, find.device(client, device)["id"])
    told = told_of(client, wanted, at)
    if told is None:
        raise not_found("rollout", rollout, "rollout", at)
    session.answer(told, lambda: print_chain(told))


def _update_of(session: Session, rollout: dict[str, str], device: str) -> str:
    for update in session.client.pages(queries.UPDATES, "rollout", "updates", id=rollout["id"]):
        if update["deviceId"] == device:
            return str(update["id"])
    raise not_found("device", uuid_of(device), "device")


@connected
def replay(
    session: Session,
    rollout: RolloutArgument,
    rule: RuleOption = Rule.E_PROCESS,
    healthy_rate: HealthyOption = 0.02,
    alpha: AlphaOption = 0.05,
    max_rate: MaxRateOption = 0.10,
    min_count: MinCountOption = 20,
    as_of: AsOfOption = None,
) -> None:
    """Judge a rollout's outcomes under another stop rule: where would it have stopped?"""
    at = as_of_or_now(as_of)
    found = find.rollout(session.client, rollout, at)
    asked = rule_input(rule, healthy_rate, alpha, max_rate, min_count)
    told = session.client.run(queries.REPLAY, id=found["id"], rule=asked, asOf=at)["rolloutReplay"]

    def human() -> None:
        after = told["finding"]["outcomes"]
        ends = (
            "It would not have stopped."
            if told["stopsAt"] is None
            else f"It would have stopped after {after:,} of {told['outcomes']:,} outcomes."
        )
        show.line(f"{ends} {told['exposed']:,} devices were offered the release by then.")
        show.line(rule_line(told["finding"]))

    session.answer(told, human)
