"""The gateway of an installation: what devices say, what they are told, and who is online."""

import asyncio
import fcntl
import logging
import os
import socket
import threading
from pathlib import Path

from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from application.gateway.delivering import Delivering
from application.gateway.dropping import Drops
from application.gateway.hearing import Hearing
from application.gateway.telling import Telling
from application.gateway.upkeep import end_sessions, expire_commands
from application.ports.listening import FOLLOWED
from application.views.device_messages import device_messages
from edge.protocol.topics import HEARD_FROM_ALL
from infrastructure.looping import Looping
from infrastructure.mqtt.connection import stay_connected
from infrastructure.observing.gateway import dropped
from infrastructure.postgres.device_outbox import PostgresDeviceOutbox
from infrastructure.postgres.device_sessions import PostgresDeviceSessions
from infrastructure.postgres.device_upkeep import PostgresDeviceUpkeep
from infrastructure.postgres.telemetry import PostgresTelemetry
from interfaces.bootstrap import Installation
from interfaces.bootstrap.broker import FleetBroker
from interfaces.mqtt.gateway import Gateway

UPKEEP_SECONDS = 1.0
ENSURE_SECONDS = 1.0
MOST_GATEWAYS = 64

log = logging.getLogger(__name__)


def start_gateway(installation: Installation, broker: FleetBroker) -> None:
    """Starts it in a thread of its own; it ends with the installation."""
    database, platform = installation.database, installation.platform
    sessions, upkeep = PostgresDeviceSessions(database), PostgresDeviceUpkeep(database)
    telling = Telling(installation.authority.statement_key())
    hearing = Hearing(platform, sessions, PostgresTelemetry(database), telling, Drops(dropped))
    outbox = PostgresDeviceOutbox(database)
    gateway = Gateway(
        hearing,
        Delivering(platform, outbox, upkeep, telling, broker.admission),
        sessions,
        HEARD_FROM_ALL,
        (OperationalError, PoolTimeout),
        installation.settings.connections,
    )
    running = _Running(installation, gateway, broker)
    running.start()
    for looping in (
        Looping("presence", lambda: end_sessions(platform, sessions), UPKEEP_SECONDS),
        Looping("expiry of commands", lambda: expire_commands(platform, upkeep), UPKEEP_SECONDS),
        Looping("keeper of the broker", lambda: bool(broker.ensure()), ENSURE_SECONDS),
    ):
        looping.start()
        installation.closing.callback(looping.close)
    installation.closing.callback(running.close)


class _Running:
    """The event loop of one gateway, in a thread."""

    def __init__(self, installation: Installation, gateway: Gateway, broker: FleetBroker) -> None:
        self._installation, self._gateway, self._broker = installation, gateway, broker
        self._name = _own_name(installation.settings.home)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._thread.start()
        self._installation.listener.subscribe(FOLLOWED, self._heard)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join(timeout=10)

    def _heard(self, word: str | None) -> None:
        if word is None or word.startswith(f"{device_messages.name} "):
            try:
                self._loop.call_soon_threadsafe(self._gateway.wake)
            except RuntimeError:
                pass  # it has ended

    def _run(self) -> None:
        work = stay_connected(self._broker.access, self._name, self._gateway.work)
        self._task = self._loop.create_task(work)
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        except Exception:
            log.exception("the gateway ended")
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


def _own_name(home: Path) -> str:
    """A name at the broker that this gateway has alone, and the next one in its place again: what
    the broker keeps for it is not lost."""
    for number in range(MOST_GATEWAYS):
        descriptor = os.open(home / f"gateway-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        # The lock is held until the process ends.
        return f"edgewise-gateway-{socket.gethostname()}-{number}"
    raise RuntimeError(f"{MOST_GATEWAYS} gateways run from {home} already.")
