"""Load, and somebody killed every so often; then calm, and a reckoning."""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.checks import newest_position, settle, wrong_with
from tests.chaos.ledger import Ledger
from tests.chaos.load import Client
from tests.chaos.victims import Victims
from tests.chaos.watcher import Watcher
from tests.e2e.running import Api
from tests.patience import PATIENCE, eventually
from tests.services.postgres import OwnPostgres
from tests.services.redis import OwnRedis


@dataclass(frozen=True)
class Storm:
    """`pause` is the mean of the seconds between two kills; they come at random (exponentially),
    and every fifth time the road to PostgreSQL is disturbed as well."""

    kills: int
    seed: int = 1
    pause: float = 1.0
    clients: int = 4

    def rage(
        self,
        home: Path,
        model: Path,
        postgres: OwnPostgres,
        redis: OwnRedis,
        told: Callable[[int, str], None] = lambda number, what: None,
    ) -> dict[str, Any]:
        """What happened and what is wrong, as plain JSON."""
        victims = Victims(home, postgres, redis, random.Random(self.seed))
        try:
            return self._rage(victims, model, told)
        finally:
            victims.close()

    def _rage(
        self, victims: Victims, model: Path, told: Callable[[int, str], None]
    ) -> dict[str, Any]:
        began, ledger = time.monotonic(), Ledger()
        victims.start()
        token = json.loads((victims.home / "credentials.json").read_text())["token"]
        api = Api(victims.urls[0], token)
        eventually(lambda: api.http.get("/readyz").status_code == 200)
        watcher = Watcher(victims.urls, token, ledger)
        crowd = [
            Client(number, victims.urls, token, self._own(victims.home, model, number), ledger)
            for number in range(self.clients)
        ]
        for thread in (watcher, *crowd):
            thread.start()
        for number in range(1, self.kills + 1):
            time.sleep(victims.random.expovariate(1 / self.pause))
            what = victims.kill_one()
            if number % 5 == 0:
                what += f", road {victims.disturb_the_road()}"
            told(number, f"{what}; {ledger.acknowledged} acknowledged")
        for client in crowd:
            client.stopping.set()
        for client in crowd:
            client.join(PATIENCE)
        wrong: list[str] = []
        try:
            eventually(lambda: api.http.get("/readyz").status_code == 200)
            settle(victims)
            self._let_it_catch_up(victims, watcher, ledger)
            wrong = wrong_with(victims, api, ledger)
        except Exception as error:
            wrong = [*ledger.wrong, f"it never settled: {type(error).__name__}: {error}"]
        return {
            "seconds": round(time.monotonic() - began),
            "kills": dict(sorted(victims.kills.items())),
            "road": dict(sorted(victims.faults.items())),
            **ledger.summary(),
            "wrong": wrong,
        }

    def _own(self, home: Path, model: Path, number: int) -> Path:
        folder = home.parent / f"client-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / model.name
        copy.write_bytes(model.read_bytes())
        return copy

    def _let_it_catch_up(self, victims: Victims, watcher: Watcher, ledger: Ledger) -> None:
        newest = newest_position(victims)
        eventually(lambda: bool(ledger.positions) and ledger.positions[-1] >= newest)
        watcher.stopping.set()
