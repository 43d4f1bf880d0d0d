"""A whole platform as separate processes, each of which may be killed at any instant."""

import random
import threading
from dataclasses import dataclass, field
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.chaos.proxy import Road
from tests.e2e.running import Process
from tests.patience import eventually
from tests.services.daemon import free_port
from tests.services.postgres import TEST_SECRET, OwnPostgres
from tests.services.redis import OwnRedis

# How often each kind is the victim. PostgreSQL's and Redis' recovery stops everything else.
WEIGHTS = {"api": 30, "worker": 25, "projector": 25, "redis": 10, "postgres": 10}
ROAD_FAULTS = ("cut", "stall", "slow")


@dataclass
class Victims:
    """Two of each process of ours, one PostgreSQL behind a road, one Redis."""

    home: Path
    postgres: OwnPostgres
    redis: OwnRedis
    random: random.Random
    ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))
    processes: dict[str, Process] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = conninfo_to_dict(self.postgres.url)
        self._folder = Path(str(parts["host"]))
        self.road = Road(self._folder / f".s.PGSQL.{parts.get('port', 5432)}")
        url = make_conninfo(self.postgres.url, host="127.0.0.1", port=self.road.port)
        self.environment = {
            "DATABASE_URL": url,
            "REDIS_URL": self.redis.url,
            "EDGEWISE_SECRET": TEST_SECRET,
            "EDGEWISE_CONNECTIONS": "4",
        }

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(f"http://127.0.0.1:{port}" for port in self.ports)

    def start(self) -> None:
        migrated = Process("migrate", self.home, self.environment)
        eventually(lambda: not migrated.running)
        assert "schema is current" in migrated.output, migrated.output
        for name in ("api 0", "api 1", "projector 0", "projector 1", "worker 0", "worker 1"):
            self._launch(name)

    def kill_one(self) -> str:
        """`kill -9` of somebody, who is started again at once; returns the kind."""
        kind = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        self.kills[kind] = self.kills.get(kind, 0) + 1
        if kind == "postgres":
            self.postgres.kill()
            self.postgres.start()
        elif kind == "redis":
            self.redis.kill()
            if self.random.random() < 0.3:  # and it forgets all that it was told
                for kept in (self.redis.folder / "appendonlydir").glob("*"):
                    kept.unlink()
            self.redis.start()
        else:
            name = f"{kind} {self.random.randrange(2)}"
            self.processes[name].kill()
            self._launch(name)
        return kind

    def disturb_the_road(self) -> str:
        """Cuts, stalls or slows what goes to PostgreSQL, for up to two seconds."""
        fault = self.random.choice(ROAD_FAULTS)
        self.faults[fault] = self.faults.get(fault, 0) + 1
        seconds = self.random.uniform(0.2, 2.0)
        if fault == "cut":
            self.road.cut()
        elif fault == "stall":
            threading.Thread(target=self.road.stall, args=(seconds,), daemon=True).start()
        else:
            delay = self.random.uniform(0.005, 0.1)
            slowing = (delay, seconds)
            threading.Thread(target=self.road.slow, args=slowing, daemon=True).start()
        return fault

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
        self.road.close()
        self.postgres.kill()
        self.redis.kill()

    def _launch(self, name: str) -> None:
        kind, number = name.split()
        command = f"api --port {self.ports[int(number)]}" if kind == "api" else kind
        self.processes[name] = Process(command, self.home, self.environment)
