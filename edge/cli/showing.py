"""`status` and `config`."""

import argparse
import json
import os
from typing import Any

from edge.agent.state import State
from edge.cli.asking import ask
from edge.cli.printing import say, size
from edge.config.configuration import Configuration
from edge.home import Home


def status(given: argparse.Namespace) -> int:
    found, _ = ask(Home.at(given.home), {"do": "status"})
    found.pop("payload", None)
    if given.json:
        say(json.dumps(found, indent=2))
    else:
        for line in _lines(found):
            say(line)
    return 0


def _lines(found: dict[str, Any]) -> list[str]:
    link, twin, queue, model = found["link"], found["twin"], found["queue"], found["model"]
    online = "online" if found["online"] else f"offline ({link['problem'] or 'connecting'})"
    clock = found["clock"]
    signed = "signed by the platform" if clock["sure"] else "not yet told by the platform"
    kept = f"{size(queue['bytes'])} of {size(queue['limit_bytes'])}"
    lines = [
        f"{found['name']} ({found['device']}): {online}",
        f"broker       {link['broker']}",
        f"certificate  until {found['certificate_until']}",
        f"clock        {signed}, off by {-clock['offset_seconds']:+.1f} s",
        f"twin         desired {twin['desired_version']}, reported {twin['reported_version']}",
        f"queue        {queue['events']:,} events, {kept}, {queue['mode']}",
        "model        " + (_model(model) if model else "none"),
        f"release      {_release(found['update'])}",
    ]
    if found["update"]["stage"] != "IDLE" or found["update"]["last"]:
        lines.append(f"update       {_update(found['update'])}")
    lines += [f"lost         {many:,} events: {why}" for why, many in queue["lost"].items()]
    if queue["problem"]:
        lines.append(f"problem      {queue['problem']}")
    lines += [f"problem      {name}: {why}" for name, why in found["problems"].items()]
    lines += [
        f"module       {name}: {one['last_error'] or 'not running'} ({one['restarts']} restarts)"
        for name, one in found["modules"].items()
        if one["last_error"] or not one["running"]
    ]
    return lines


def _model(model: dict[str, Any]) -> str:
    told = f"{model.get('name') or model['wanted']} {model['state'].lower()}"
    return f"{told}: {model['problem']}" if model["problem"] else told


def _release(update: dict[str, Any]) -> str:
    if update["release"] is None:
        return "none"
    other = f"; before it {update['other'][:12]}" if update["other"] else ""
    return f"{update['release'][:12]} in slot {update['slot']}{other}"


def _update(update: dict[str, Any]) -> str:
    if update["stage"] != "IDLE":
        return f"{update['update']} {update['stage'].lower().replace('_', ' ')}"
    last = update["last"]
    told = f"{last['update']} {last['state'].lower().replace('_', ' ')}"
    return f"{told}: {last['problem']}, {last['detail']}" if last["problem"] else told


def config(given: argparse.Namespace) -> int:
    home = Home.at(given.home)
    state = State(home.state, mend=False) if home.state.exists() else None
    try:
        found = Configuration(home, state, os.environ)
    finally:
        if state is not None:
            state.close()
    origins = found.origins()
    if given.json:
        plain = {
            name: {"value": value, "from": origin} for name, (value, origin) in origins.items()
        }
        say(json.dumps({"settings": plain, "problems": found.problems}, indent=2))
        return 0
    for name, (value, origin) in origins.items():
        shown = ",".join(value) if isinstance(value, tuple) else value
        say(f"{name:<28} {shown!s:<16} {origin}")
    for name, why in found.problems.items():
        say(f"problem: {name} {why}")
    return 0
