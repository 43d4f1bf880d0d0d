"""Everything a command may use: the ports, bound together once by `interfaces.bootstrap`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from application.commands.upload import Uploads
from application.people import People
from application.ports.blob_ledger import UNSWEPT, BlobHolds
from application.ports.blobs import Blobs
from application.ports.engine import (
    Benchmarker,
    DatasetInspector,
    GoldenMaker,
    ModelInspector,
    Optimizer,
)
from application.ports.event_log import EventLog
from application.ports.flags import Flags
from application.ports.rollouts import Rollouts
from application.ports.toolchains import KnownToolchain
from application.ports.tracing import UNTRACED, Tracing
from application.ports.trusted_targets import TrustedTargets
from application.refused_acts import RefusedActs
from domain.refusal import Refusal, RefusalCode


def utc_now() -> datetime:
    return datetime.now(UTC)


def _nobody() -> list[frozenset[str]]:
    return []


@dataclass(frozen=True)
class Platform:
    """`scratch` is a folder for working copies; what is left in it after a crash is rubbish.
    `offers` tells what each living worker can do (`application.ports.workers`), `toolchains` which
    there are.
    Where `users` is None nobody signs in, where `targets` is None nothing is signed for devices,
    where `goldens` is None no model is run for a rollout: a worker, or a test of something else.
    `rollouts` is what commands on rollouts look up."""

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
    tracing: Tracing = UNTRACED
    holds: BlobHolds = UNSWEPT
    users: People | None = None
    offers: Callable[[], list[frozenset[str]]] = _nobody
    toolchains: tuple[KnownToolchain, ...] = ()
    targets: TrustedTargets | None = None
    rollouts: Rollouts | None = None
    goldens: GoldenMaker | None = None

    @property
    def trusted_targets(self) -> TrustedTargets:
        """Raises Refusal(UNAVAILABLE)."""
        if self.targets is None:
            raise Refusal(RefusalCode.UNAVAILABLE, "This process signs nothing for devices.")
        return self.targets

    @property
    def people(self) -> People:
        """Raises Refusal(UNAVAILABLE)."""
        if self.users is None:
            raise Refusal(RefusalCode.UNAVAILABLE, "This process knows no users.")
        return self.users

    @property
    def fleet(self) -> Rollouts:
        """Raises Refusal(UNAVAILABLE)."""
        if self.rollouts is None:
            raise Refusal(RefusalCode.UNAVAILABLE, "This process knows no rollouts.")
        return self.rollouts

    @property
    def golden_maker(self) -> GoldenMaker:
        """Raises Refusal(UNAVAILABLE)."""
        if self.goldens is None:
            raise Refusal(RefusalCode.UNAVAILABLE, "This process runs no models.")
        return self.goldens

    @cached_property
    def refused_acts(self) -> RefusedActs:
        return RefusedActs(self.log, self.now)
