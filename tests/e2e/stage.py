"""PostgreSQL, a projector and API processes, to be killed and started again, and their log."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from domain.cause import Cause, acting
from domain.model import Model, Task
from infrastructure.event_store.postgres import PostgresEventLog
from tests.e2e.running import Process
from tests.patience import eventually
from tests.services.daemon import free_port, listens
from tests.services.postgres import TEST_SECRET, OwnPostgres, opened


@dataclass
class Stage:
    """PostgreSQL, a projector and two API processes; the projector alone is spared."""

    postgres: OwnPostgres
    home: Path
    ports: list[int] = field(default_factory=lambda: [free_port(), free_port()])
    running: dict[str, Process] = field(default_factory=dict)

    def start(self) -> str:
        """The first key."""
        migrated = self._process("migrate")
        eventually(lambda: not migrated.running)
        self.running["projector"] = self._process("projector")
        for port in self.ports:
            self.start_api(port)
        self.ready()
        return str(json.loads((self.home / "credentials.json").read_text())["token"])

    def start_api(self, port: int) -> None:
        self.running[str(port)] = self._process(f"api --port {port}")

    def ready(self) -> None:
        eventually(lambda: all(listens(port) for port in self.ports))

    def restart_api(self) -> None:
        port = random.choice(self.ports)
        process = self.running[str(port)]
        process.kill() if random.random() < 0.5 else process.close()
        self.start_api(port)
        eventually(lambda: listens(port))

    def restart_postgres(self) -> None:
        self.postgres.kill() if random.random() < 0.5 else self.postgres.stop()
        time.sleep(random.uniform(0, 1))
        self.postgres.start()

    def close(self) -> None:
        for process in self.running.values():
            process.close()

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def tenant(self) -> UUID:
        with psycopg.connect(self.postgres.url) as connection:
            row = connection.execute("SELECT tenant_id FROM events ORDER BY position").fetchone()
        assert row is not None
        return UUID(str(row[0]))

    def written(self, of: UUID | None) -> list[int]:
        """The positions of all events, or of one stream."""
        with psycopg.connect(self.postgres.url) as connection:
            rows = connection.execute(
                "SELECT position FROM events WHERE %s::uuid IS NULL OR originator_id = %s"
                " ORDER BY position",
                (of, of),
            )
            return [row[0] for row in rows]

    def _process(self, command: str) -> Process:
        environment = {"DATABASE_URL": self.postgres.url, "EDGEWISE_SECRET": TEST_SECRET}
        return Process(command, self.home, environment)

    @contextmanager
    def log(self) -> Iterator[PostgresEventLog]:
        """The log, acting inside the first tenant."""
        cause = Cause(self.tenant(), "test", "test", "test")
        with opened(self.postgres.url) as database, acting(cause):
            yield PostgresEventLog(database)


def new_model(log: PostgresEventLog, name: str) -> UUID:
    model_id = uuid4()
    log.save(Model.register(model_id, name, Task.OTHER, ""))
    return model_id


def change(log: PostgresEventLog, model_id: UUID, events: int) -> int:
    """Archives and restores the model, in one save; returns the last position."""
    model = log.find(Model, model_id)
    assert model is not None
    for _ in range(events // 2):
        model.archive()
        model.restore()
    return log.save(model)
