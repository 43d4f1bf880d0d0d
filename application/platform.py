"""Everything a command may use: the ports, bound together once by `interfaces.bootstrap`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from application.commands.upload import Uploads
from application.ports.blobs import Blobs
from application.ports.engine import (
    Benchmarker,
    DatasetInspector,
    ModelInspector,
    Optimizer,
)
from application.ports.event_log import EventLog
from application.ports.flags import Flags


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Platform:
    """`scratch` is a folder for working copies; what is left in it after a crash is rubbish."""

    log: EventLog
    flags: Flags
    blobs: Blobs
    uploads: Uploads
    model_inspector: ModelInspector
    dataset_inspector: DatasetInspector
    optimizer: Optimizer
    benchmarker: Benchmarker
    scratch: Path
    now: Callable[[], datetime] = utc_now
