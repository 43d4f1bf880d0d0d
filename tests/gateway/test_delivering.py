"""What waits for devices: told once by whichever gateway takes it, and again until it was."""

from datetime import timedelta

from application.commands.device import decommission_device, revoke_device_certificates, set_desired
from application.commands.device_command import send_device_command
from edge.protocol.commands import CommandKind
from tests.gateway.conftest import Talking, World


def due_now(world: World) -> list:
    world.catch_up()
    with world.database.system() as connection:
        connection.execute("UPDATE outbox SET available_at = now()")
    return world.delivering.due(100)


def tell(world: World, device: Talking) -> list:
    told = []
    for due in due_now(world):
        message = world.delivering.message(due)
        told.append(device.read(message) if message else None)
        world.delivering.done(due)
    return told


def want(world: World, device: Talking, **patch: int) -> None:
    set_desired(world.platform, world.request(), device_id=device.address.device, patch=patch)


def test_a_change_of_what_is_desired_is_told_once(world: World) -> None:
    device = world.joined()
    want(world, device, rate=5)
    ((topic, body),) = tell(world, device)
    assert (topic, body["version"], body["desired"]) == ("twin/delta", 1, {"rate": 5})
    assert tell(world, device) == []


def test_of_many_changes_the_last_is_told(world: World) -> None:
    device = world.joined()
    for rate in range(1, 6):
        want(world, device, rate=rate)
    ((_, body),) = tell(world, device)
    assert (body["version"], body["desired"]) == (5, {"rate": 5})


def test_a_change_that_comes_while_another_is_told_is_not_lost(world: World) -> None:
    device = world.joined()
    want(world, device, rate=1)
    (due,) = due_now(world)
    want(world, device, rate=2)
    world.catch_up()
    world.delivering.done(due)
    ((_, body),) = tell(world, device)
    assert body["desired"] == {"rate": 2}


def test_two_gateways_take_different_rows_and_what_one_drops_is_due_again(world: World) -> None:
    device = world.joined()
    want(world, device, rate=1)
    (taken,) = due_now(world)
    assert world.delivering.due(100) == []
    assert [one.key for one in due_now(world)] == [taken.key]


def test_a_command_that_was_answered_or_expired_is_not_told(world: World) -> None:
    device = world.joined()
    send_device_command(
        world.platform,
        world.request(),
        device_id=device.address.device,
        kind=CommandKind.PING,
        arguments={},
        lifetime=timedelta(seconds=1),
    )
    (due,) = due_now(world)
    later = world.platform.now() + timedelta(seconds=5)
    object.__setattr__(world.platform, "now", lambda: later)
    assert world.delivering.message(due) is None


def test_a_revoked_device_is_kept_out_first_and_then_cut_off(world: World) -> None:
    device, other = world.joined(), world.joined()
    revoke_device_certificates(
        world.platform, world.request(), device_id=device.address.device, reason="stolen"
    )
    assert tell(world, device) == [None]
    assert world.broker.kept_out == [device.joined.certificate.serial]
    assert world.broker.cut == [device.address.user_name]
    decommission_device(world.platform, world.request(), device_id=other.address.device)
    tell(world, other)
    serials = {device.joined.certificate.serial, other.joined.certificate.serial}
    assert set(world.broker.kept_out) == serials
