"""The part of a worker that carries rollouts on."""

from collections.abc import Callable

import dramatiq

from application.ports.leases import Leases
from application.ports.listening import FOLLOWED
from application.rollouts.health_gates import HealthGates
from application.rollouts.reference import golden_of
from application.rollouts.worker import RolloutWorker
from application.views.rollout_wakes import KIND, NEEDS, rollout_wakes
from infrastructure.postgres.outbox import Relay
from infrastructure.postgres.rollout_health import PostgresRolloutHealth
from interfaces.actors import declare_rollout_actor
from interfaces.bootstrap import Installation

ROLLOUTS_AT_ONCE = 4
"""In one worker; each acts on many devices at once."""
MOST_LEASED = 64
"""By all workers together."""


def add_rollouts(
    installation: Installation, broker: dramatiq.Broker, leases: Leases, name: str
) -> Callable[[], None]:
    """Declares the actor; returns what starts its relay, once somebody consumes its hints."""
    worker = RolloutWorker(
        installation.platform,
        leases,
        golden_of,
        HealthGates(PostgresRolloutHealth(installation.database)),
        name,
    )
    relay = Relay(
        installation.database,
        KIND,
        lambda tenant, payload: send(tenant, payload),
        lambda: frozenset(NEEDS),
        installation.tracing,
    )
    send = declare_rollout_actor(broker, worker, relay.again)

    def wake(word: str | None) -> None:
        if word is None or word.startswith(f"{rollout_wakes.name} "):
            relay.wake()

    def start() -> None:
        installation.listener.subscribe(FOLLOWED, wake)
        relay.start()
        installation.closing.callback(worker.stopping.set)
        installation.closing.callback(relay.close)

    return start
