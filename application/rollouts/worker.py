"""What a worker process needs to carry rollouts on."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from application.platform import Platform
from application.ports.leases import Leases
from application.ports.rollouts import Reading
from application.rollouts.preparing import MakeGolden
from domain.rollout import Rollout
from domain.rollout_evidence import GateFinding

Gates = Callable[[Platform, Rollout, Reading], tuple[GateFinding, ...]]


@dataclass(frozen=True)
class RolloutWorker:
    """`make_golden` and `gates` judge what goes out and how it does there."""

    platform: Platform
    leases: Leases
    make_golden: MakeGolden
    gates: Gates
    name: str
    stopping: threading.Event = field(default_factory=threading.Event)
