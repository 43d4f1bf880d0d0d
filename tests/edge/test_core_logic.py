"""The core as pure code: clock, twin, settings, judgment of commands, supervisor."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.agent.state import State, StateFailed
from edge.agent.supervisor import Pause, Supervisor
from edge.clock import DeviceClock, NotOurTime
from edge.commands.judgment import Foreign, Refused, judged
from edge.config.configuration import BadConfiguration, Configuration
from edge.config.settings import SETTINGS
from edge.home import Home
from edge.link.session import Session
from edge.protocol.commands import Command, CommandKind
from edge.protocol.envelope import decoded
from edge.protocol.signed import COMMAND, signed
from edge.protocol.topics import Address, Said
from edge.twin.twin import BadDelta, Twin, report
from edge.version import RELEASED

ADDRESS, BOOT = Address(uuid4(), uuid4()), uuid4()
KEY = Ed25519PrivateKey.generate()
YEAR = 365 * 86_400.0


def statement(moment: float, **other: Any) -> dict[str, Any]:
    named = {"tenant": str(ADDRESS.tenant), "device": str(ADDRESS.device), "boot_id": str(BOOT)}
    return {**named, "time": moment, **other}


@pytest.mark.parametrize("wrong_by", [-30 * YEAR, -YEAR, 0.0, YEAR])
def test_a_signed_time_counts_whatever_the_machines_clock_says(wrong_by: float) -> None:
    true = RELEASED + YEAR
    ticks = iter([100.0, 107.0])
    clock = DeviceClock(system=lambda: true + wrong_by, monotonic=lambda: next(ticks))
    assert not clock.sure
    clock.told(statement(true), ADDRESS, BOOT)
    assert clock.sure
    assert clock.now() == true + 7


def test_before_the_time_is_signed_nothing_is_believed_below_the_floor() -> None:
    clock = DeviceClock(floor=RELEASED + 5, system=lambda: 0.0)
    assert clock.now() == RELEASED + 5
    clock.passed(RELEASED + 9)
    assert clock.now() == RELEASED + 9
    clock.passed(RELEASED)
    assert clock.now() == RELEASED + 9


@pytest.mark.parametrize(
    "other",
    [{"boot_id": str(uuid4())}, {"device": str(uuid4())}, {"time": "soon"}, {"time": 1e300},
     {"time": float("nan")}, {"boot_id": None}],
)  # fmt: skip
def test_a_time_for_another_run_or_device_or_none_at_all_is_not_taken(other: Any) -> None:
    clock = DeviceClock()
    with pytest.raises(NotOurTime):
        clock.told(statement(RELEASED + YEAR, **other), ADDRESS, BOOT)
    assert not clock.sure


def command(issued: float, seconds: float = 60.0, address: Address = ADDRESS) -> Command:
    return Command(address, uuid4(), CommandKind.PING, {}, issued, issued + seconds)


def judge(given: Command, clock: DeviceClock, since: float = 0.0) -> Command:
    body = {"statement": signed(COMMAND, given.statement(), KEY)}
    return judged(body, KEY.public_key(), ADDRESS, clock, since)


def sure_clock(moment: float) -> DeviceClock:
    clock = DeviceClock(monotonic=lambda: 0.0)
    clock.told(statement(moment), ADDRESS, BOOT)
    return clock


def test_a_good_command_is_run_and_others_are_refused_or_not_answered_at_all() -> None:
    now = RELEASED + YEAR
    clock = sure_clock(now)
    good = command(now - 5)
    assert judge(good, clock) == good
    with pytest.raises(Refused, match="expired"):
        judge(command(now - 61), clock)
    with pytest.raises(Refused, match="future"):
        judge(command(now + 1_000), clock)
    with pytest.raises(Refused, match="memory"):
        judge(good, clock, since=now)
    with pytest.raises(Foreign, match="another device"):
        judge(command(now, address=Address(uuid4(), uuid4())), clock)
    with pytest.raises(Foreign, match="no signed statement"):
        judged({"statement": 7}, KEY.public_key(), ADDRESS, clock, 0.0)


def test_an_expiry_by_a_clock_that_is_not_sure_may_be_judged_again() -> None:
    clock = DeviceClock(system=lambda: RELEASED + 2 * YEAR)
    with pytest.raises(Refused) as refused:
        judge(command(RELEASED + YEAR), clock)
    assert refused.value.by_time


def test_deltas_rise_and_a_lost_store_goes_on_from_what_the_platform_has_seen() -> None:
    twin = Twin().with_delta({"version": 3, "desired": {"a": 1}, "reported_version": 7})
    assert twin
    assert twin.with_report({}).reported_version == 8
    assert twin.with_delta({"version": 2, "desired": {}, "reported_version": 7}) is None
    assert Twin.of(twin.kept()) == twin


@pytest.mark.parametrize(
    "body",
    [{}, {"version": 1, "desired": 3}, {"version": -1, "desired": {}},
     {"version": 1, "desired": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}}}}],
)  # fmt: skip
def test_a_delta_that_makes_no_sense_is_not_taken(body: dict[str, Any]) -> None:
    with pytest.raises(BadDelta):
        Twin().with_delta(body)


def test_a_report_always_fits() -> None:
    problems = {f"{number}" * 50: "x" * 900 for number in range(900)}
    unknown = ["y" * 100] * 50
    assert len(str(report(1, {"sync.mode": "ONLINE"}, None, problems, unknown))) < 8_192


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def opened(home: Home, environment: dict[str, str] | None = None) -> Configuration:
    return Configuration(home, State(home.state), environment or {})


def test_what_is_stronger_wins_and_says_where_it_came_from(home: Home) -> None:
    home.configuration.write_text('[sync]\nmode = "HYBRID"\norder = "important"\n')
    found = opened(home, {"EDGEWISE_EDGE_SYNC_ORDER": "oldest"})
    assert found.origins()["sync.mode"] == ("HYBRID", "file")
    assert found.origins()["sync.order"] == ("oldest", "environment")
    found.command({"sync.mode": "OFFLINE"})
    assert found.origins()["sync.mode"] == ("OFFLINE", "command")
    assert found.desired({"sync": {"mode": "ONLINE"}}) == {}
    assert found.origins()["sync.mode"] == ("ONLINE", "twin")
    assert opened(home)["sync.mode"] == "ONLINE"
    found.desired({})
    assert found["sync.mode"] == "OFFLINE"


def test_a_command_with_one_bad_value_changes_nothing(home: Home) -> None:
    found = opened(home)
    for bad in ({"sync.mode": 1}, {}, {"no.such": 1}, {"privacy.drop": []}):
        with pytest.raises(BadConfiguration):
            found.command({"sync.order": "important", **bad} if bad else {})
    assert found["sync.order"] == "oldest"


def test_defaults_are_good_values_and_every_setting_can_come_from_the_environment(
    home: Home,
) -> None:
    for setting in SETTINGS.values():
        assert setting.check(setting.default) == setting.default
    found = opened(
        home,
        {
            "EDGEWISE_EDGE_SYNC_WINDOWS": "02:00-03:00, 22:00-01:00",
            "EDGEWISE_EDGE_SYNC_RESEND_SECONDS": "2.5",
            "EDGEWISE_EDGE_COMMANDS_AT_ONCE": "many",
        },
    )
    assert found["sync.windows"] == ("02:00-03:00", "22:00-01:00")
    assert found["sync.resend_seconds"] == 2.5
    assert "EDGEWISE_EDGE_COMMANDS_AT_ONCE" in found.problems


async def test_a_module_that_fails_starts_again_and_the_others_run_on() -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    supervisor = Supervisor(lambda kind, fields: told.append((kind, fields)))
    stop, tries, calm = asyncio.Event(), [0], [0]

    async def fails() -> None:
        tries[0] += 1
        if tries[0] == 3:
            stop.set()
        raise ValueError("broken")

    async def runs() -> None:
        calm[0] += 1
        await asyncio.Event().wait()

    supervisor.add("fails", fails)
    supervisor.add("runs", runs)
    await supervisor.run(stop)
    assert calm == [1]
    assert told[0] == (
        "module.failed",
        {"module": "fails", "error": "ValueError: broken", "restarts": 1},
    )
    assert supervisor.health["runs"].restarts == 0


async def test_a_module_that_is_asked_to_restart_begins_anew_and_has_not_failed() -> None:
    supervisor = Supervisor(lambda *_: None)
    stop, begun = asyncio.Event(), [0]

    async def runs() -> None:
        begun[0] += 1
        if begun[0] == 1:
            asyncio.get_running_loop().call_soon(supervisor.restart, "runs")
        else:
            stop.set()
        await asyncio.Event().wait()

    supervisor.add("runs", runs)
    await supervisor.run(stop)
    assert begun == [2]
    assert supervisor.health["runs"].restarts == 0


def test_pauses_grow_to_a_limit_and_are_never_the_same_for_a_whole_fleet() -> None:
    pause = Pause(1.0, 8.0)
    steps = [pause.next() for _ in range(10)]
    for step, most in zip(steps, [1, 2, 4, 8, 8, 8, 8, 8, 8, 8], strict=True):
        assert most / 2 <= step <= most
    assert len(set(steps)) == len(steps)
    pause.calm()
    assert pause.next() <= 1.0


def test_a_wrong_clock_forgets_no_command_that_could_come_again(home: Home) -> None:
    state = State(home.state)
    first, second = uuid4(), uuid4()
    assert state.begin(first, expires_at=1_000.0, now=None)
    assert state.begin(second, expires_at=1e10, now=None)
    assert not state.begin(first, expires_at=1_000.0, now=None)
    assert state.begin(uuid4(), expires_at=1e10, now=1e9)
    assert state.begin(first, expires_at=1_000.0, now=None)
    assert not state.begin(second, expires_at=1e10, now=1e9)


def test_a_lost_memory_refuses_what_is_older_and_waits_for_the_time_to_say_what_that_is(
    home: Home,
) -> None:
    home.state.write_bytes(b"no database" * 1_000)
    state = State(home.state)
    assert state.set_aside
    now = RELEASED + YEAR
    with pytest.raises(Refused) as refused:
        judge(command(now), sure_clock(now), since=state.since)
    assert refused.value.by_time
    state.time_known(now - 10)
    assert judge(command(now), sure_clock(now), since=state.since)
    with pytest.raises(Refused):
        judge(command(now - 11), sure_clock(now), since=state.since)
    state.time_known(now + 99)
    assert state.since == now - 10


def test_looking_at_a_damaged_memory_does_not_touch_it(home: Home) -> None:
    home.state.write_bytes(b"no database" * 1_000)
    with pytest.raises(StateFailed):
        State(home.state, mend=False)
    assert home.state.read_bytes() == b"no database" * 1_000


def test_a_birth_names_the_will_of_its_own_connection() -> None:
    session = Session(ADDRESS, DeviceClock())
    for _ in range(2):
        will = decoded(session.will().payload)
        session.say(Said.HEARTBEAT, {})
        birth = decoded(session.birth({}, "1", 0.0).payload)
        assert birth.body["will"] == will.seq < birth.seq
