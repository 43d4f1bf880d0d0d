"""The worker of an installation: jobs, rollouts, and the sweeping up after everybody."""

from application.commands.upload import sweep
from application.jobs.attempt import Worker
from application.jobs.registry import KINDS
from application.ports.listening import FOLLOWED
from application.views.dispatch import KIND as JOB_HINT
from application.views.rollout_wakes import KIND as ROLLOUT
from infrastructure.announcing import Announcing
from infrastructure.blobs.sweeper import BlobSweeper
from infrastructure.engine.abilities import Abilities, facts
from infrastructure.looping import Looping
from infrastructure.postgres.leases import PostgresLeases
from infrastructure.postgres.outbox import Relay
from infrastructure.postgres.workers import PostgresWorkers
from infrastructure.queue import make_broker
from interfaces.actors import declare_actors
from interfaces.bootstrap import Installation, process_name
from interfaces.bootstrap.rollouts import MOST_LEASED, ROLLOUTS_AT_ONCE, add_rollouts

SWEEP_SECONDS = 60.0


def start_worker(installation: Installation) -> None:
    """Starts the relay and the consumers of hints; the process's main thread stays free."""
    import dramatiq

    broker = make_broker(installation.settings.redis_url)
    at_once = installation.settings.jobs_at_once
    leases = PostgresLeases(installation.database, {**at_once, ROLLOUT: MOST_LEASED})
    kinds = {name: KINDS[name] for name in installation.settings.worker_kinds}
    worker = Worker(
        installation.platform, leases, kinds, process_name(), Abilities(installation.toolchains)
    )
    relay = Relay(
        installation.database,
        JOB_HINT,
        lambda tenant, payload: send(tenant, payload),
        lambda: worker.offers,
        installation.tracing,
    )
    send = declare_actors(broker, worker, relay.again)
    start_rollouts = add_rollouts(installation, broker, leases, worker.name)
    threads = sum(at_once[kind] for kind in kinds) + ROLLOUTS_AT_ONCE
    consumers = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=100)
    # A hint waits here only when a job of its kind may start here at once.
    consumers.queue_prefetch = max(*at_once.values(), ROLLOUTS_AT_ONCE)
    consumers.start()
    installation.listener.subscribe(FOLLOWED, lambda word: _wake_for_jobs(word, relay))
    relay.start()
    announcing = Announcing(
        PostgresWorkers(installation.database), worker.name, lambda: worker.offers, facts
    )
    announcing.start()
    installation.closing.callback(announcing.close)
    sweeping = Looping("sweeper", lambda: sweep(installation.uploads) > 0, SWEEP_SECONDS)
    for looping in (sweeping, BlobSweeper(installation.sweeping, installation.scratch.sweep)):
        looping.start()
        installation.closing.callback(looping.close)
    installation.closing.callback(consumers.stop, timeout=15_000)
    installation.closing.callback(worker.stopping.set)
    installation.closing.callback(relay.close)
    start_rollouts()


def _wake_for_jobs(word: str | None, relay: Relay) -> None:
    if word is None or word.startswith("dispatch "):
        relay.wake()
