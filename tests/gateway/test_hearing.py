"""What devices say: presence, twins, answers and telemetry; and what is dropped."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from application.commands.device import revoke_device_certificates, set_desired
from application.commands.device_command import send_device_command
from application.gateway.upkeep import end_sessions, expire_commands
from domain.device_presence import OfflineReason
from edge.protocol import signed
from edge.protocol.commands import Answer, AnswerStatus, Command, CommandKind
from edge.protocol.envelope import MOST_BYTES, Envelope, encoded
from edge.protocol.topics import Said
from infrastructure.postgres.device_sessions import PostgresDeviceSessions
from infrastructure.postgres.device_upkeep import PostgresDeviceUpkeep
from tests.gateway.conftest import Talking, World


def ping(world: World, device: Talking, seconds: float = 60) -> UUID:
    return send_device_command(
        world.platform,
        world.request(),
        device_id=device.address.device,
        kind=CommandKind.PING,
        arguments={},
        lifetime=timedelta(seconds=seconds),
    ).id


def opened(world: World, kind: str, body: dict) -> dict:
    key = load_pem_public_key(world.authority.statement_public_key().encode())
    return signed.opened(kind, body["statement"], key)


def test_a_birth_brings_a_device_online_and_is_answered_with_the_signed_time(world: World) -> None:
    device = world.joined()
    ((topic, body),) = device.is_born()
    assert topic == "clock"
    told = opened(world, signed.CLOCK, body)
    assert told["device"] == str(device.address.device)
    assert told["boot_id"] == str(device.boot_id)
    assert device.now.online


def test_the_same_birth_again_is_no_event(world: World) -> None:
    device = world.joined()
    device.is_born()
    version = device.now.version
    device.is_born()
    device.is_born(retained=True)
    assert device.now.version == version


def test_an_old_sessions_will_does_not_end_the_new_one(world: World) -> None:
    device = world.joined()
    device.is_born()
    before, device.boot_id = device.boot_id, uuid4()
    device.is_born()
    old = Talking(world, device.joined, device.key, before)
    old.says(Said.STATE, {"online": False, "reason": "lost"})
    end_all(world)
    assert device.now.online


def test_the_will_of_an_earlier_connection_that_comes_late_does_not_end_the_present_one(
    world: World,
) -> None:
    device = world.joined()
    first = Talking(world, device.joined, device.key, device.boot_id)  # begins with its will
    device.seq = 1
    device.is_born(will=1)
    device.seq = 20
    device.is_born(will=20)
    device.says(Said.HEARTBEAT, {})
    first.says(Said.STATE, {"online": False, "reason": "lost"})
    end_all(world)
    assert device.now.online
    device.seq = 19
    device.says(Said.STATE, {"online": False, "reason": "lost"})
    end_all(world)
    assert not device.now.online


def test_a_birth_that_comes_late_does_not_let_an_earlier_will_end_the_connection(
    world: World,
) -> None:
    device = world.joined()
    for connection in (20, 1):
        device.seq = connection
        device.is_born(will=connection)
    device.seq = 9
    device.says(Said.STATE, {"online": False, "reason": "stopped"})
    end_all(world)
    assert device.now.online


def test_an_agent_that_does_not_number_its_connections_is_believed_all_the_same(
    world: World,
) -> None:
    device = world.joined()
    device.is_born(will="x")
    device.seq = 0
    device.says(Said.STATE, {"online": False, "reason": "lost"})
    end_all(world)
    assert not device.now.online


def end_all(world: World, aged: bool = True) -> None:
    """Ends what has ended, as if some seconds had gone by."""
    sessions = PostgresDeviceSessions(world.database)
    if aged:
        with world.database.system() as connection:
            connection.execute("UPDATE device_sessions SET lost_at = lost_at - interval '1 minute'")
    end_sessions(world.platform, sessions)


def test_a_lost_connection_that_is_back_soon_was_never_offline(world: World) -> None:
    device = world.joined()
    device.is_born()
    version = device.now.version
    device.says(Said.STATE, {"online": False, "reason": "lost"})
    end_all(world, aged=False)
    device.is_born()
    end_all(world)
    assert device.now.version == version


@pytest.mark.parametrize(
    ("reason", "told"), [("lost", OfflineReason.LOST), ("?", OfflineReason.LOST)]
)
def test_a_lost_connection_that_stays_away_is_an_event(
    world: World, reason: str, told: OfflineReason
) -> None:
    device = world.joined()
    device.is_born()
    device.says(Said.STATE, {"online": False, "reason": reason})
    end_all(world)
    assert not device.now.online
    with world.database.system() as connection:
        connection.execute("SELECT 1")
    world.catch_up()
    with world.database.system() as connection:
        row = connection.execute("SELECT offline_reason FROM devices").fetchone()
    assert row is not None
    assert row["offline_reason"] == told


def test_who_says_goodbye_is_believed_at_once(world: World) -> None:
    device = world.joined()
    device.is_born()
    device.says(Said.STATE, {"online": False, "reason": "stopped"})
    end_all(world, aged=False)
    assert not device.now.online


def test_silence_ends_a_session_and_a_heartbeat_brings_it_back(world: World) -> None:
    device = world.joined()
    device.is_born()
    with world.database.system() as connection:
        connection.execute("UPDATE device_sessions SET seen_at = seen_at - interval '1 hour'")
    end_all(world, aged=False)
    assert not device.now.online
    device.says(Said.HEARTBEAT, {})
    assert device.now.online


def test_a_birth_that_the_broker_kept_does_not_bring_an_ended_session_back(world: World) -> None:
    device = world.joined()
    device.is_born()
    device.says(Said.STATE, {"online": False, "reason": "stopped"})
    end_all(world, aged=False)
    assert device.is_born(retained=True) == []
    assert not device.now.online


def test_heartbeats_are_no_events(world: World) -> None:
    device = world.joined()
    device.is_born()
    version = device.now.version
    for _ in range(5):
        assert device.says(Said.HEARTBEAT, {}) == []
    assert device.now.version == version


def test_a_device_that_asks_is_told_all_that_is_desired_and_where_its_reports_stand(
    world: World,
) -> None:
    device = world.joined()
    device.is_born()
    device.says(Said.REPORTED, {"version": 4, "reported": {"rate": 3}})
    set_desired(world.platform, world.request(), device_id=device.address.device, patch={"rate": 5})
    ((topic, body),) = device.says(Said.TWIN_WANTED, {})
    assert (topic, body) == (
        "twin/delta",
        {"version": 1, "desired": {"rate": 5}, "reported_version": 4},
    )


def test_a_late_or_repeated_report_changes_nothing(world: World) -> None:
    device = world.joined()
    device.is_born()
    device.says(Said.REPORTED, {"version": 2, "reported": {"a": 2}})
    version = device.now.version
    for old in (1, 2):
        device.says(Said.REPORTED, {"version": old, "reported": {"a": old * 100}})
    assert (device.now.version, device.now.reported) == (version, {"a": 2})


def test_open_commands_are_told_again_at_every_birth_until_they_are_answered(world: World) -> None:
    device = world.joined()
    command_id = ping(world, device)
    for _ in range(2):
        (_, (topic, body)) = device.is_born()
        assert topic == f"command/{command_id}/request"
        told = Command.of(opened(world, signed.COMMAND, body))
        assert (told.address, told.kind) == (device.address, CommandKind.PING)
    device.says(Said.RESPONSE, Answer(AnswerStatus.SUCCEEDED, {"at": 1}).body(), command_id)
    assert [topic for topic, _ in device.is_born()] == ["clock"]


def test_a_command_is_answered_once_and_by_its_own_device_alone(world: World) -> None:
    device, other = world.joined(), world.joined()
    for one in (device, other):
        one.is_born()
    command_id = ping(world, device)
    other.says(Said.RESPONSE, Answer(AnswerStatus.FAILED, {}, "not mine").body(), command_id)
    assert str(command_id) in device.now.commands
    device.says(Said.RESPONSE, Answer(AnswerStatus.SUCCEEDED, {"n": 1}).body(), command_id)
    device.says(Said.RESPONSE, Answer(AnswerStatus.FAILED, {}, "again").body(), command_id)
    world.catch_up()
    with world.database.system() as connection:
        row = connection.execute("SELECT status, result FROM device_commands").fetchone()
    assert row == {"status": "SUCCEEDED", "result": {"n": 1}}


def test_a_command_that_nobody_answers_expires(world: World) -> None:
    device = world.joined()
    command_id = ping(world, device, 1)
    world.catch_up()
    with world.database.system() as connection:
        connection.execute("UPDATE device_commands SET expires_at = now() - interval '1 second'")
    later = world.platform.now() + timedelta(seconds=5)
    object.__setattr__(world.platform, "now", lambda: later)
    expire_commands(world.platform, PostgresDeviceUpkeep(world.database))
    assert device.now.commands == {}
    assert [topic for topic, _ in device.is_born()] == ["clock"]
    device.says(Said.RESPONSE, Answer(AnswerStatus.SUCCEEDED, {}).body(), command_id)
    world.catch_up()
    with world.database.system() as connection:
        row = connection.execute("SELECT status FROM device_commands").fetchone()
    assert row == {"status": "EXPIRED"}


def test_telemetry_is_kept_once_and_acknowledged_every_time(world: World) -> None:
    device, log = world.joined(), uuid4()
    device.is_born()
    events = [{"at": 1e9 + n, "kind": "cpu", "load": n / 10} for n in range(10)]
    body = {"log": str(log), "first": 5, "events": events}
    for _ in range(2):
        ((topic, told),) = device.says(Said.TELEMETRY_SYS, body)
        assert (topic, told) == ("telemetry/taken", {"log": str(log), "ranges": [[5, 14]]})
    with world.database.system() as connection:
        rows = connection.execute("SELECT number, body FROM telemetry ORDER BY number").fetchall()
    assert [row["number"] for row in rows] == list(range(5, 15))
    assert rows[3]["body"] == {"load": 0.3}


def test_a_character_that_postgresql_has_not_does_not_stop_a_device(world: World) -> None:
    device = world.joined("\0pi")
    device.is_born()
    event = {"at": 1e9, "kind": "x\0", "text": "a\0b", "deep": {"k\0": ["\0"]}}
    body = {"log": str(uuid4()), "first": 1, "events": [event]}
    assert device.says(Said.TELEMETRY_LOG, body)
    device.says(Said.REPORTED, {"version": 1, "reported": {"a": "x\0"}})
    world.catch_up()
    assert not world.dropped


def test_nothing_that_a_revoked_device_says_is_taken(world: World) -> None:
    device = world.joined()
    device.is_born()
    command_id = ping(world, device)
    revoke_device_certificates(
        world.platform, world.request(), device_id=device.address.device, reason="stolen"
    )
    world.catch_up()
    version = device.now.version
    batch = {"log": str(uuid4()), "first": 1, "events": [{"at": 1, "kind": "x"}]}
    assert device.is_born() == []
    for said in (
        device.says(Said.TWIN_WANTED, {}),
        device.says(Said.REPORTED, {"version": 1, "reported": {"a": 1}}),
        device.says(Said.TELEMETRY_SYS, batch),
        device.says(Said.RESPONSE, Answer(AnswerStatus.SUCCEEDED, {}).body(), command_id),
    ):
        assert said == []
    assert (device.now.version, device.now.online) == (version, False)
    assert sum(world.dropped.values()) == 5


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b"[]", b"\xff\xfe", b"null", b'{"v":1}', b"[" * 30_000, b'{"a":' * 5_000,
        b'{"v":2,"id":"x"}', b'{"v":1,"v":1}', b'{"v":NaN}', b"x" * (MOST_BYTES + 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [Said.STATE, Said.REPORTED, Said.TELEMETRY_SYS])
def test_what_is_malformed_is_counted_and_dropped(
    world: World, payload: bytes, kind: Said, caplog: pytest.LogCaptureFixture
) -> None:
    device = world.joined()
    for _ in range(3):
        assert world.hearing.hear(device.address.said(kind), payload) == []
    if payload or kind is not Said.STATE:
        assert world.dropped == {"malformed": 3}
        assert len([one for one in caplog.records if "dropped a message" in one.message]) == 1
    assert device.now.version == 2


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Said.REPORTED, {"version": 0, "reported": {}}),
        (Said.REPORTED, {"version": True, "reported": {}}),
        (Said.REPORTED, {"version": 2**60, "reported": {}}),
        (Said.REPORTED, {"version": 1, "reported": []}),
        (Said.REPORTED, {"version": 1, "reported": {"a": "x" * 9_000}}),
        (Said.REPORTED, {"version": 1, "reported": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {
            "h": {"i": 1}}}}}}}}}}),
        (Said.REPORTED, {"version": 1, "reported": {"a": 2**70}}),
        (Said.TELEMETRY_LOG, {"log": "x", "first": 1, "events": [{"at": 1, "kind": "x"}]}),
        (Said.TELEMETRY_LOG, {"log": str(UUID(int=1)), "first": 1, "events": []}),
        (Said.TELEMETRY_LOG, {"log": str(UUID(int=1)), "first": -1, "events": [{}]}),
        (Said.TELEMETRY_LOG, {"log": str(UUID(int=1)), "first": 1, "events": [{}]}),
        (Said.TELEMETRY_LOG, {"log": str(UUID(int=1)), "first": 1, "events": [
            {"at": 1e300, "kind": "x"}]}),
        (Said.TELEMETRY_LOG, {"log": str(UUID(int=1)), "first": 1, "events": ["x"]}),
        (Said.RESPONSE, {"status": "MAYBE"}),
        (Said.RESPONSE, {}),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_changes_nothing(world: World, kind: Said, body: dict) -> None:
    device = world.joined()
    device.is_born()
    version = device.now.version
    assert device.says(kind, body, command=uuid4()) == []
    assert device.now.version == version
    assert sum(world.dropped.values()) == 1


@pytest.mark.parametrize(
    "topic",
    ["", "x", "edgewise/v1/a/b/state", "edgewise/v2/a/b/state", "$SYS/broker/uptime"],
)
def test_a_foreign_topic_is_dropped(world: World, topic: str) -> None:
    payload = encoded(Envelope(uuid4(), 1, 1.0, {}))
    assert world.hearing.hear(topic, payload) == []
    assert world.dropped == {"unknown topic": 1}


def test_a_device_that_nobody_knows_is_dropped(world: World) -> None:
    device = world.joined()
    stranger = Talking(world, device.joined, device.key)
    object.__setattr__(
        stranger.joined, "address", type(device.address)(device.address.tenant, uuid4())
    )
    assert stranger.is_born() == []
    assert world.dropped == {"refused: NOT_FOUND": 1}
