"""A platform of the tests' own, and agents as processes."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from edge.store.log import EventLog
from tests.edge.platform.platform import TestPlatform
from tests.edge.running import RunningAgent
from tests.services.mosquitto import OwnMosquitto

MakeAgent = Callable[..., RunningAgent]


@pytest.fixture
def broker(own_mosquitto: Callable[[], OwnMosquitto]) -> OwnMosquitto:
    """Anonymous, on loopback, and may be killed."""
    return own_mosquitto()


@pytest.fixture
def platform(broker: OwnMosquitto) -> Iterator[TestPlatform]:
    made = TestPlatform(broker.access.port)
    yield made
    made.close()


@pytest.fixture
def agents(tmp_path: Path) -> Iterator[MakeAgent]:
    """Makes agents that have not joined; all are killed in the end."""
    made: list[RunningAgent] = []

    def make(environment: Mapping[str, str] | None = None) -> RunningAgent:
        home = tmp_path / f"home-{len(made)}"
        home.mkdir()
        made.append(RunningAgent(home, environment))
        return made[-1]

    yield make
    for agent in made:
        agent.kill()


@pytest.fixture
def agent(agents: MakeAgent, platform: TestPlatform) -> RunningAgent:
    """Joined, not running."""
    agent = agents()
    agent.join(platform.claim(), platform.url)
    return agent


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., EventLog]]:
    logs: list[EventLog] = []

    def open_log(limit: int = 100 << 20, key: str = "key") -> EventLog:
        logs.append(
            EventLog(tmp_path / "events.db", tmp_path / key, lambda: limit, lambda: 1_800_000_000.0)
        )
        return logs[-1]

    yield open_log
    for log in logs:
        log.close()
