"""What the agent tells of itself, to people and to diagnostics."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge.agent.supervisor import Supervisor
from edge.commands.diagnostics import rss
from edge.config.configuration import Configuration
from edge.identity.credentials import Credentials
from edge.inference.module import InferenceModule
from edge.link.link import Link
from edge.sync.module import SyncModule
from edge.twin.module import TwinModule
from edge.version import VERSION


@dataclass(frozen=True, slots=True)
class Parts:
    """`started`: monotonic."""

    credentials: Credentials
    supervisor: Supervisor
    link: Link
    twin: TwinModule
    inference: InferenceModule
    sync: SyncModule
    configuration: Configuration
    started: float
    update: Callable[[], dict[str, Any]]


def status(parts: Parts, queue: dict[str, Any]) -> dict[str, Any]:
    """JSON; `queue`: the numbers of the event log."""
    identity, link, clock = parts.credentials.identity, parts.link, parts.link.session.clock
    twin = parts.twin.twin
    return {
        "agent": VERSION,
        "device": identity.device,
        "name": identity.name,
        "online": link.connected,
        "boot_id": str(link.session.boot_id),
        "seconds": round(time.monotonic() - parts.started, 1),
        "rss_bytes": rss(),
        "certificate_until": identity.valid[1].isoformat(),
        "link": {
            "broker": identity.broker,
            "connections": link.connections,
            "problem": link.problem,
            "dropped_messages": dict(link.refused),
        },
        "clock": {"sure": clock.sure, "offset_seconds": round(clock.offset, 3)},
        "twin": {
            "desired_version": twin.desired_version,
            "reported_version": twin.reported_version,
        },
        "queue": {
            **queue,
            "mode": parts.configuration["sync.mode"],
            "batches_sent": parts.sync.batches,
            "batches_sent_again": parts.sync.again,
        },
        "model": parts.inference.model_report(),
        "update": parts.update(),
        "modules": {name: one.as_json() for name, one in parts.supervisor.health.items()},
        "problems": parts.configuration.problems,
    }
