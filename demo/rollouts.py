"""Two rollouts to the three devices: the chosen artifact, which they confirm by running it, and a
build that is broken on purpose, which its canary refuses to keep: the rollout stops itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import helper

from demo.fleet import LABEL
from demo.journey import Outcome
from interfaces.cli import show
from interfaces.cli.client import Client
from interfaces.cli.ids import relay_id
from interfaces.cli.push import push_model
from interfaces.cli.queries import rollout as queries
from interfaces.cli.rollout_shown import UPDATE_COLUMNS, print_rollout, update_row
from interfaces.cli.rollout_watch import ended, line_of

PLAN = {
    "waves": [{"count": 1}, {"share": 1.0}],
    "soakSeconds": 1.0,
    "probationSeconds": 3.0,
    "offerSeconds": 120.0,
    # So few devices tell a test nothing: one failure is enough.
    "stopRule": {"kind": "PERCENTAGE", "maxRate": 0.1, "minCount": 1},
}

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class RolledOut:
    """A rollout that has ended, with its updates."""

    rollout: dict[str, Any]
    updates: list[dict[str, Any]]

    def facts(self) -> dict[str, Any]:
        return {
            "name": self.rollout["name"],
            "status": self.rollout["status"],
            "message": self.rollout["message"],
            "evidence": self.rollout["evidence"],
            "devices": [
                {
                    "name": one["device"]["name"],
                    "state": one["state"],
                    "code": one["code"],
                    "problem": one["problem"],
                    "findings": one["findings"],
                }
                for one in self.updates
            ],
        }


def good(client: Client, outcome: Outcome, tell: Tell) -> RolledOut:
    """The artifact that was chosen. Raises CommandRefused."""
    chosen = relay_id("Artifact", str(outcome.found.chosen.artifact_id))
    return _through(client, f"{outcome.subject.name}, the choice", chosen, None, tell)


def broken(client: Client, outcome: Outcome, folder: Path, tell: Tell) -> RolledOut:
    """A model whose second version gives twice as many outputs as it should. What devices must
    agree with is its first, which is the demo's own. Raises CommandRefused."""
    name = f"{outcome.subject.name}-broken"
    file = _broken_build(outcome.subject.model, folder / f"{name}.onnx")
    good, bad = (
        push_model(client, one, name, "CLASSIFICATION", lambda sent, size: None)["artifact"]["id"]
        for one in (outcome.subject.model, file)
    )
    return _through(client, f"{outcome.subject.name}, broken on purpose", bad, good, tell)


def print_rolled_out(one: RolledOut) -> None:
    print_rollout(one.rollout)
    show.table(UPDATE_COLUMNS, map(update_row, one.updates))


def print_step(step: dict[str, Any]) -> None:
    show.note(line_of(step))


def _through(
    client: Client, name: str, artifact: str | None, reference: str | None, tell: Tell
) -> RolledOut:
    drafted = client.change(
        queries.DRAFT,
        name=name,
        release={"artifactId": artifact},
        target={"query": {"labels": [f"{LABEL['name']}={LABEL['value']}"]}},
        plan={**PLAN, "referenceId": reference},
    )["rollout"]
    client.change(queries.APPROVE, id=drafted["id"])
    rollout = ended(client, drafted, tell)
    updates = client.pages(queries.UPDATES, "rollout", "updates", id=drafted["id"])
    return RolledOut(rollout, list(updates))


def _broken_build(source: Path, target: Path) -> Path:
    model = onnx.load(source)
    output = model.graph.output[0]
    once = f"{output.name}_once"
    for node in model.graph.node:
        node.output[:] = [once if name == output.name else name for name in node.output]
    model.graph.node.append(helper.make_node("Concat", [once, once], [output.name], axis=-1))
    last = output.type.tensor_type.shape.dim[-1]
    if last.HasField("dim_value"):
        last.dim_value *= 2
    onnx.save(model, target)
    return target
