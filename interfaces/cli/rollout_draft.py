"""`edgewise rollout start`: an artifact to devices, in waves."""

from typing import Annotated, Any

import typer

from interfaces.cli import find, show
from interfaces.cli.client import Client
from interfaces.cli.device_options import LabelOption, question
from interfaces.cli.ids import uuid_of
from interfaces.cli.moment import time_of
from interfaces.cli.plain import size
from interfaces.cli.queries import device as device_queries
from interfaces.cli.queries import rollout as queries
from interfaces.cli.refused import CommandRefused
from interfaces.cli.rollout_options import (
    AlphaOption,
    DevicesOption,
    DynamicOption,
    GateOption,
    HealthyOption,
    MaxRateOption,
    MinCountOption,
    OnStop,
    Rule,
    RuleOption,
    SavedOption,
    WavesOption,
    WindowOption,
    gates_input,
    rule_input,
    seconds,
    target_input,
    waves_input,
    window_input,
)
from interfaces.cli.rollout_shown import print_rollout
from interfaces.cli.rollout_watch import require_completed, watched
from interfaces.cli.session import Session, connected


def register(app: typer.Typer) -> None:
    """Adds the command to `edgewise rollout`."""
    app.command("start")(start)


@connected
def start(
    session: Session,
    artifact: Annotated[
        str, typer.Argument(help="What goes out: MODEL:VARIANT, MODEL:ALIAS or an artifact's id.")
    ],
    name: Annotated[str | None, typer.Option(help="Its name; else the artifact's.")] = None,
    label: LabelOption = None,
    device: DevicesOption = None,
    group: SavedOption = None,
    dynamic: DynamicOption = False,
    waves: WavesOption = "20%,100%",
    soak: Annotated[
        str, typer.Option(metavar="LENGTH", help="How long each wave is watched: 5m, 1d, 0.")
    ] = "5m",
    probation: Annotated[
        str, typer.Option(metavar="LENGTH", help="How long a device proves itself: 60s.")
    ] = "60s",
    offer: Annotated[
        str, typer.Option(metavar="LENGTH", help="From the offer to the end, at most: 1h.")
    ] = "1h",
    watch_after: Annotated[
        str, typer.Option(metavar="LENGTH", help="Failures still stop it so long after its end.")
    ] = "0",
    manual: Annotated[bool, typer.Option("--manual", help="Somebody promotes each wave.")] = False,
    rule: RuleOption = Rule.E_PROCESS,
    healthy_rate: HealthyOption = 0.02,
    alpha: AlphaOption = 0.05,
    max_rate: MaxRateOption = 0.10,
    min_count: MinCountOption = 20,
    gate: GateOption = None,
    on_stop: Annotated[
        OnStop, typer.Option(help="When it is stopped: take everything back, or pause.")
    ] = OnStop.REVERT,
    window: WindowOption = None,
    begin: Annotated[
        str | None, typer.Option(metavar="TIME", help="Not before 2026-12-01T02:00, say.")
    ] = None,
    at_once: Annotated[int | None, typer.Option(help="Updates under way at most.")] = None,
    per_minute: Annotated[int | None, typer.Option(help="Offers a minute at most.")] = None,
    bandwidth: Annotated[
        int | None, typer.Option(help="Bytes a second for each device's download.")
    ] = None,
    golden_from: Annotated[
        str | None,
        typer.Option(
            metavar="ARTIFACT",
            help="Whose outputs devices must agree with; else the artifact's own source.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also an artifact that failed its gates.")
    ] = False,
    approval: Annotated[
        bool, typer.Option("--approval", help="Another member has to approve it.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show who is affected, and leave it a draft.")
    ] = False,
    watch: Annotated[bool, typer.Option(help="Follow it until it has ended.")] = True,
) -> None:
    """Roll an artifact out: to all devices, or those that --label, --device or --group mean.

    The first wave is the canary. Each device checks the signatures, proves the model on golden
    inputs, and goes back by itself where it fails; too many failures stop the rollout. Exits with 1
    unless it completed."""
    client = session.client
    _require_fleet(client)
    query = question(client, label=label, online=None, group=None, profile=None, text=None)
    reference = find.artifact_id(client, golden_from) if golden_from else None
    drafted = client.change(
        queries.DRAFT,
        name=name or artifact,
        release={"artifactId": find.artifact_id(client, artifact), "force": force},
        target=target_input(client, device, group, query, dynamic=dynamic),
        plan={
            "waves": waves_input(waves),
            "soakSeconds": seconds(soak, "soak"),
            "probationSeconds": seconds(probation, "probation"),
            "offerSeconds": seconds(offer, "offer"),
            "watchSeconds": seconds(watch_after, "watch-after"),
            "automatic": not manual,
            "stopRule": rule_input(rule, healthy_rate, alpha, max_rate, min_count),
            "gates": gates_input(gate),
            "onStop": on_stop.name,
            "window": window_input(window),
            "startsAt": time_of(begin, "begin").isoformat() if begin else None,
            "maxAtOnce": at_once,
            "maxPerMinute": per_minute,
            "bandwidth": bandwidth,
            "needsApproval": approval,
            "referenceId": reference,
        },
    )["rollout"]
    if dry_run:
        preview = client.run(queries.PREVIEW, id=drafted["id"])["rolloutPreview"]
        session.answer({"rollout": drafted, "preview": preview}, lambda: _print(preview))
        return
    act = queries.ASK if approval else queries.APPROVE
    try:
        payload = client.change(act, id=drafted["id"])
    except CommandRefused:
        client.change(queries.ABORT, id=drafted["id"], revert=False)
        raise
    if approval:
        told = f"It waits for approval: [bold]edgewise rollout approve {uuid_of(drafted['id'])}[/]"
        session.done(payload, told)
        return
    if not watch:
        rollout = payload["rollout"]
        session.answer(payload, lambda: print_rollout(rollout))
        return
    ended = watched(session, payload["rollout"])
    session.answer(ended, lambda: print_rollout(ended))
    require_completed(ended)


def _require_fleet(client: Client) -> None:
    if not client.run(device_queries.NAMES, first=1)["devices"]["nodes"]:
        raise CommandRefused(
            "INVALID_STATE",
            "There is no device here yet. Let one join: `edgewise device claim` gives it a code.",
            "target",
        )


def _print(preview: dict[str, Any]) -> None:
    sizes = ", ".join(f"{wave['devices']:,}" for wave in preview["waves"])
    show.facts(
        [
            ("devices", f"{preview['devices']:,} in waves of {sizes or '–'}"),
            ("online", f"{preview['online']:,}"),
            ("download", f"{size(preview['bytes'])} in all"),
            ("takes", f"about {preview['estimatedSeconds']:,.0f} s (estimated)"),
            *(("as if", show.text(one)) for one in preview["assumptions"]),
        ]
    )
    rows = [
        *((one["name"], one["why"]) for one in preview["leftOut"]),
        *((one["name"], f"in rollout {one['rolloutName']}") for one in preview["conflicts"]),
    ]
    if rows:
        show.table(("Device", "In the way"), [(show.text(a), show.text(b)) for a, b in rows])
