"""The agent of one home: makes the core and the modules, and runs them until it is told to stop."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from edge.agent.local import LocalModule
from edge.agent.requests import requests
from edge.agent.samples import Samples
from edge.agent.state import State
from edge.agent.status import Parts, status
from edge.agent.supervisor import Supervisor
from edge.agent.time_module import SignedTime, kept_floor
from edge.clock import DeviceClock
from edge.commands.diagnostics import facts, utc_offset_minutes
from edge.commands.kinds import runs
from edge.commands.module import CommandsModule
from edge.config.configuration import Configuration
from edge.home import Home
from edge.identity.credentials import Credentials
from edge.identity.identity import load
from edge.identity.renewal import Renewal
from edge.inference.module import InferenceModule
from edge.link import tls
from edge.link.link import Link
from edge.link.session import Session
from edge.store.batch import LogRefused
from edge.store.journal import BadEvent, Journal
from edge.store.log import EventLog
from edge.store.sealing import kept_key
from edge.store.streams import Channel, Priority
from edge.sync.module import SyncModule
from edge.twin.module import TwinModule
from edge.update.carrying import Carrier, Limits
from edge.update.fitting import misfit
from edge.update.module import UpdateModule
from edge.update.record import RecordFile
from edge.update.slots import Slots
from edge.update.targets import PlatformTargets

log = logging.getLogger("edge.agent")


class Agent:
    """To be made inside a running loop. Raises HomeError, NotJoined."""

    def __init__(self, home: Home, environment: Mapping[str, str]) -> None:
        self._home, self._loop = home, asyncio.get_running_loop()
        identity, key = load(home)
        started = time.monotonic()
        self.clock = DeviceClock(identity.server_time)
        self.state = State(home.state)
        self.clock.passed(kept_floor(self.state))
        self.configuration = Configuration(home, self.state, environment)
        self.credentials = Credentials(identity, key, self.clock)
        self._open_log()
        self.supervisor = Supervisor(lambda kind, fields: self.tell(kind, fields, Channel.SYS))
        self.link = Link(
            home,
            Session(identity.address, self.clock),
            lambda: self.credentials.identity,
            lambda: facts() | {"release": self.update.release},
            int(self.configuration["link.keepalive_seconds"]),
        )
        self._add_modules(started)

    def _open_log(self) -> None:
        configuration = self.configuration
        key_file = configuration["store.key_file"] or self._home.events_key
        self.events = EventLog(
            self._home.events,
            self._home.path / key_file,
            lambda: int(configuration["store.disk_limit_bytes"]),
            self.clock.now,
            self._grown,
        )
        self.journal = Journal(self.events, self.clock)

    def _add_modules(self, started: float) -> None:
        home, configuration, link = self._home, self.configuration, self.link
        contexts = self.contexts
        self.inference = InferenceModule(
            home.models,
            self.credentials,
            contexts,
            self.state,
            configuration,
            lambda kind, fields: self.tell(kind, fields, Channel.MODEL),
        )
        self.twin = TwinModule(self.state, configuration, link, self.inference)
        self.inference.look = self.twin.look
        self.sync = SyncModule(
            self.events, configuration, link, kept_key(home.path / "privacy.key")
        )
        parts = Parts(
            self.credentials, self.supervisor, link, self.twin, self.inference, self.sync,
            configuration, started, self.tell_update,
        )  # fmt: skip

        async def tell_status() -> dict[str, Any]:
            return status(parts, await asyncio.wrap_future(self.events.numbers()))

        self.commands = CommandsModule(
            self.state,
            configuration,
            link,
            self.credentials.identity.platform_key,
            runs(
                home, configuration, self.credentials, contexts,
                lambda: self.supervisor.restart("inference"), tell_status, started,
            ),
        )  # fmt: skip
        self._add_updates()
        local = LocalModule(
            home.socket,
            requests(tell_status, self.journal, self.inference, self.sync.ask),
        )
        samples = Samples(
            home.path, configuration, lambda kind, fields: self.tell(kind, fields, Channel.SYS)
        )
        renewal = Renewal(home, self.credentials, self.clock, contexts, link.connect_again)

        def time_known() -> None:
            self.commands.time_known()
            self.update.time_known()
            renewal.look()

        SignedTime(self.state, link, self.credentials.identity.platform_key, time_known)
        for name, run in (
            ("local", local.run),
            ("twin", self.twin.run),
            ("commands", self.commands.run),
            ("inference", self.inference.run),
            ("update", self.update.run),
            ("samples", samples.run),
            ("sync", self.sync.run),
            ("renewal", renewal.run),
            ("link", link.run),
        ):
            self.supervisor.add(name, run)

    def _add_updates(self) -> None:
        home, configuration, clock = self._home, self.configuration, self.clock
        here = facts()

        def limits() -> Limits:
            return Limits(
                int(configuration["update.bytes_per_second"]),
                int(configuration["update.spare_bytes"]),
                float(configuration["update.health_seconds"]),
                int(configuration["inference.threads"]),
                str(configuration["update.firmware_installer"]),
            )

        targets = PlatformTargets(home, self.credentials, self.contexts, clock)
        slots = Slots(home.slots)
        self.update = UpdateModule(
            RecordFile(home.updates),
            self.state,
            configuration,
            self.link,
            self.credentials.identity.platform_key,
            self.inference,
            Carrier(slots, targets, limits, clock.now, utc_offset_minutes),
            lambda offer: misfit(offer, here, limits().firmware_installer),
            lambda kind, fields: self.tell(kind, fields, Channel.SYS),
        )

    def tell_update(self) -> dict[str, Any]:
        return self.update.status()

    def contexts(self) -> Any:
        """TLS for calls to the platform."""
        authorities = self.credentials.identity.authorities
        return tls.context(self.clock, authorities, system_too=True)

    def tell(self, kind: str, fields: dict[str, Any], channel: Channel) -> None:
        """An event of the agent itself; one that cannot be logged is in the agent's log alone."""
        failed = kind.endswith(".failed")
        try:
            self.journal.record(kind, fields, channel, Priority.HIGH if failed else Priority.NORMAL)
        except (LogRefused, BadEvent) as error:
            log.warning("%s %s: %s", kind, fields, error)

    async def run(self, stop: asyncio.Event) -> None:
        if self.state.set_aside:
            log.error("what the agent remembers was damaged: %s", self.state.set_aside.name)
            self.tell("state.failed", {"set_aside": self.state.set_aside.name}, Channel.SYS)
        for name, why in self.configuration.problems.items():
            log.warning("setting %s: %s", name, why)
        try:
            await self.supervisor.run(stop)
        finally:
            await asyncio.to_thread(self.events.close)
            self.state.close()

    def _grown(self) -> None:
        """From the log's thread."""
        try:
            self._loop.call_soon_threadsafe(self._wake_sync)
        except RuntimeError:
            pass  # the loop has ended; what is in the log stays there

    def _wake_sync(self) -> None:
        if hasattr(self, "sync"):
            self.sync.grown()
