"""mTLS with a real Mosquitto: whom a device trusts, at what time, and how its certificate is
renewed."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from edge.clock import DeviceClock
from edge.link.broker import BrokerAddress, BrokerRefused
from edge.protocol.commands import AnswerStatus, CommandKind
from tests.edge.conftest import MakeAgent
from tests.edge.platform.authority import Authority
from tests.edge.platform.platform import TestPlatform
from tests.patience import eventually
from tests.services.daemon import Daemon, free_port, listens
from tests.services.programs import program
from tests.services.session_folder import new_folder

YEAR = timedelta(days=365)
Secure = Callable[[timedelta, timedelta], TestPlatform]


@pytest.fixture
def secure() -> Iterator[Secure]:
    """A platform behind mTLS, whose broker's certificate holds between these times from now."""
    closing: list[Callable[[], None]] = []

    def make(begin: timedelta, end: timedelta) -> TestPlatform:
        authority, folder, port = Authority(), new_folder("mosquitto"), free_port()
        certificate, key = authority.server(folder, begin, end)
        plain = free_port()
        settings = [
            f"listener {port} 127.0.0.1", f"cafile {folder}/authority.crt",
            f"certfile {certificate}", f"keyfile {key}", "require_certificate true",
            "use_identity_as_username true", f"listener {plain} 127.0.0.1",
            "allow_anonymous true", "per_listener_settings false",
        ]  # fmt: skip
        if os.geteuid() == 0:
            settings.append("user root")
        (folder / "mosquitto.conf").write_text("\n".join(settings) + "\n")
        server = program("mosquitto", package="mosquitto")
        broker = Daemon(
            folder,
            [server, "-c", folder / "mosquitto.conf"],
            lambda: listens(port) and listens(plain),
        )
        broker.start()
        closing.append(broker.kill)
        platform = TestPlatform(plain)
        platform.authority = authority
        platform.broker = f"mqtts://127.0.0.1:{port}"
        closing.append(platform.close)
        return platform

    yield make
    for close in reversed(closing):
        close()


def test_a_device_connects_by_its_certificate_and_obeys(secure: Secure, agents: MakeAgent) -> None:
    platform = secure(-YEAR, YEAR)
    agent = agents()
    agent.join(platform.claim(), platform.url)
    agent.start()
    agent.online()
    assert platform.run(CommandKind.PING).status is AnswerStatus.SUCCEEDED


def test_a_certificate_that_is_not_yet_valid_by_a_clock_that_is_behind_is_no_obstacle(
    secure: Secure, agents: MakeAgent
) -> None:
    """To this machine's clock it begins in a year: as on a device whose clock is a year behind."""
    platform = secure(YEAR, 2 * YEAR)
    platform.offset = 1.5 * YEAR.total_seconds()
    agent = agents()
    agent.join(platform.claim(), platform.url)
    agent.start()
    agent.online()
    assert platform.run(CommandKind.PING).status is AnswerStatus.SUCCEEDED


def test_a_server_whose_certificate_ended_before_the_known_time_is_not_talked_to(
    secure: Secure, agents: MakeAgent
) -> None:
    platform = secure(-2 * YEAR, -YEAR)
    agent = agents()
    agent.join(platform.claim(), platform.url)
    agent.start()
    problem = agent.until(lambda status: status["link"]["problem"])["link"]["problem"]
    assert "the server's certificate ended on" in problem
    assert not platform.mqtt.heard


def test_a_server_of_another_authority_is_not_talked_to(secure: Secure, agents: MakeAgent) -> None:
    platform = secure(-YEAR, YEAR)
    platform.authority = Authority()
    agent = agents()
    agent.join(platform.claim(), platform.url)
    agent.start()
    problem = agent.until(lambda status: status["link"]["problem"])["link"]["problem"]
    assert "certificate verify failed" in problem
    assert not platform.mqtt.heard


def test_the_certificate_is_renewed_with_a_new_key_before_it_ends(
    secure: Secure, agents: MakeAgent
) -> None:
    platform = secure(-YEAR, YEAR)
    platform.lifetime = (timedelta(days=-20), timedelta(days=5))
    agent = agents()
    agent.join(platform.claim(), platform.url)
    (before,) = (agent.home / "keys").glob("*.pem")
    agent.start()
    agent.until(lambda status: status["link"]["connections"] > 1 and status["online"])
    (after,) = eventually(lambda: list((agent.home / "keys").glob("*.pem")))
    assert after != before
    assert platform.run(CommandKind.PING).status is AnswerStatus.SUCCEEDED


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://192.0.2.1:1883",
        "mqtt://broker.example",
        "http://127.0.0.1",
        "mqtts://",
        "mqtt://[::2]",
    ],
)
def test_plain_text_to_another_machine_is_refused(url: str) -> None:
    with pytest.raises(BrokerRefused):
        BrokerAddress.of(url)


def test_plain_text_is_for_loopback_alone() -> None:
    for url in ("mqtt://127.0.0.1:1883", "mqtt://localhost", "mqtt://[::1]:1"):
        assert not BrokerAddress.of(url).secure
    assert BrokerAddress.of("mqtts://broker.example").port == 8883


def test_a_clock_is_never_before_the_release() -> None:
    assert DeviceClock(system=lambda: 0.0).now() > 1_700_000_000
