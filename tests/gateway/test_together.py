"""What came together is saved together, and means what it would have meant one by one."""

from uuid import UUID, uuid4

import pytest

from application.commands.device import revoke_device_certificates, set_desired
from edge.protocol.envelope import Envelope, decoded, encoded
from edge.protocol.topics import Said
from tests.gateway.conftest import Talking, World


def report(device: Talking, version: int, **reported: object) -> tuple[str, bytes]:
    body = {"version": version, "reported": reported}
    return device.address.said(Said.REPORTED), encoded(Envelope(device.boot_id, 1, 1e9, body))


def told(device: Talking, log: UUID, first: int, many: int) -> tuple[str, bytes]:
    events = [{"at": 1e9, "kind": "x", "n": first + n} for n in range(many)]
    body = {"log": str(log), "first": first, "events": events}
    return device.address.said(Said.TELEMETRY_LOG), encoded(Envelope(device.boot_id, 1, 1e9, body))


def test_reports_of_many_devices_are_each_their_own_event(world: World) -> None:
    devices = [world.joined() for _ in range(5)]
    for version in (1, 2, 3):
        together = [report(one, version, n=version) for one in devices]
        assert world.hearing.hear_together(together) == []
    for one in devices:
        assert (one.now.reported, one.now.reported_version) == ({"n": 3}, 3)


def test_several_reports_of_one_device_count_in_their_order(world: World) -> None:
    device = world.joined()
    together = [report(device, version, n=version) for version in (1, 3, 2)]
    world.hearing.hear_together(together)
    assert (device.now.reported, device.now.reported_version) == ({"n": 3}, 3)


def test_a_device_that_somebody_else_changed_meanwhile_is_read_anew(world: World) -> None:
    devices = [world.joined() for _ in range(3)]
    world.hearing.hear_together([report(one, 1, n=1) for one in devices])
    changed = devices[1].address.device
    set_desired(world.platform, world.request(), device_id=changed, patch={"rate": 5})
    world.hearing.hear_together([report(one, 2, n=2) for one in devices])
    assert [one.now.reported for one in devices] == [{"n": 2}] * 3
    assert devices[1].now.desired == {"rate": 5}


def test_a_device_that_was_cut_off_meanwhile_spoils_nothing_for_the_others(world: World) -> None:
    devices = [world.joined() for _ in range(3)]
    world.hearing.hear_together([report(one, 1, n=1) for one in devices])
    gone = devices[1].address.device
    revoke_device_certificates(world.platform, world.request(), device_id=gone, reason="stolen")
    world.hearing.hear_together([report(one, 2, n=2) for one in devices])
    assert [one.now.reported["n"] for one in devices] == [2, 1, 2]
    assert world.dropped == {"refused: FORBIDDEN": 1}


def test_what_is_malformed_among_them_is_counted_and_the_rest_is_taken(world: World) -> None:
    device = world.joined()
    topic, _ = report(device, 1, n=1)
    wrong = [(topic, b"{"), (topic, b""), ("edgewise/v1/x/y/state", b"{}"), report(device, 0, n=9)]
    world.hearing.hear_together([*wrong, report(device, 1, n=1)])
    assert device.now.reported == {"n": 1}
    assert world.dropped == {"malformed": 3, "unknown topic": 1}


def test_telemetry_is_kept_once_and_each_log_hears_of_all_its_numbers(world: World) -> None:
    ours, theirs = world.joined(), world.joined()
    log, other = uuid4(), uuid4()
    together = [told(ours, log, 1, 3), told(theirs, other, 7, 2), told(ours, log, 3, 4)]
    for _ in range(2):
        answers = world.hearing.hear_together(together)
        bodies = {answer.topic: decoded(answer.payload).body for answer in answers}
        assert bodies == {
            ours.address.taken: {"log": str(log), "ranges": [[1, 3], [3, 6]]},
            theirs.address.taken: {"log": str(other), "ranges": [[7, 8]]},
        }
    with world.database.system() as connection:
        rows = connection.execute("SELECT log_id, number FROM telemetry ORDER BY number").fetchall()
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_the_telemetry_of_who_was_cut_off_is_not_acknowledged(world: World) -> None:
    ours, gone = world.joined(), world.joined()
    revoke_device_certificates(
        world.platform, world.request(), device_id=gone.address.device, reason="stolen"
    )
    world.catch_up()
    together = [told(gone, uuid4(), 1, 3), told(ours, uuid4(), 1, 3)]
    (answer,) = world.hearing.hear_together(together)
    assert answer.topic == ours.address.taken
    assert world.dropped == {"cut off": 1}


def beat(device: Talking) -> tuple[str, bytes]:
    return device.address.said(Said.HEARTBEAT), encoded(Envelope(device.boot_id, 1, 1e9, {}))


def test_heartbeats_of_many_bring_back_those_alone_whose_session_had_ended(world: World) -> None:
    here, ended, gone = (world.joined() for _ in range(3))
    here.is_born()
    revoke_device_certificates(
        world.platform, world.request(), device_id=gone.address.device, reason="stolen"
    )
    version = here.now.version
    together = [beat(here), beat(ended), beat(gone), beat(ended), beat(here)]
    assert world.hearing.hear_together(together) == []
    assert [one.now.online for one in (here, ended, gone)] == [True, True, False]
    assert here.now.version == version
    assert world.dropped == {"cut off": 1}


def test_drops_are_told_by_the_name_of_the_device_one_by_one_and_together(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = world.joined(), world.joined()
    world.hearing.hear_together([report(one, 0), (one.address.said(Said.HEARTBEAT), b"{")])
    world.hearing.hear(*report(other, 0))
    told = [record.message for record in caplog.records if "dropped a message" in record.message]
    assert [one.address.user_name in told[0], other.address.user_name in told[1]] == [True, True]
    assert len(told) == 2
