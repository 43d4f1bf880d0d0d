"""Joining: a claim makes one device, for one key; its certificate lets its calls in afterwards."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from application.commands.device import decommission_device, revoke_device_certificates
from application.commands.device_claim import hash_code, withdraw_device_claim
from domain.refusal import Refusal, RefusalCode
from edge.protocol.calls import CALL_SECONDS, authorization
from edge.protocol.topics import address_of
from infrastructure.postgres.device_calls import PostgresDeviceCalls
from tests.gateway.conftest import Talking, World, signing_request


def call(device: Talking, method: str = "GET", path: str = "/x", away: float = 0.0) -> str:
    now = device.world.platform.now().timestamp() + away
    serial = device.joined.certificate.serial
    return authorization(device.address, serial, method, path, now, device.key)


def test_a_device_gets_a_certificate_in_its_own_name_and_what_its_claim_says(world: World) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    code = world.code(labels={"site": "berlin"}, group="trains")
    joined = world.access.join(code.lower().replace("-", " "), signing_request(key), {}, "1")
    certificate = x509.load_pem_x509_certificate(joined.certificate.certificate.encode())
    (name,) = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert address_of(str(name.value)) == joined.address
    device = world.device(joined.address)
    assert (device.description.labels, device.description.group) == ({"site": "berlin"}, "trains")
    assert list(device.certificates) == [joined.certificate.serial]


def test_a_join_whose_answer_was_lost_can_be_repeated_and_makes_the_same_device(
    world: World,
) -> None:
    key, code = ec.generate_private_key(ec.SECP256R1()), world.code()
    first = world.access.join(code, signing_request(key), {}, "1")
    again = world.access.join(code, signing_request(key), {}, "2")
    assert (again.address, again.name) == (first.address, first.name)


def test_a_code_is_of_no_use_to_another_key(world: World) -> None:
    device, code = world.joined(), world.code()
    world.access.join(code, signing_request(device.key), {}, "1")
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(Refusal) as refused:
        world.access.join(code, signing_request(other), {}, "2")
    assert refused.value.code is RefusalCode.INVALID_STATE


def test_of_twenty_devices_that_race_for_one_code_one_joins(world: World) -> None:
    code = world.code()

    def join(_number: int) -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            return world.access.join(code, signing_request(key), {}, "1").certificate.key_id
        except Refusal as refusal:
            return str(refusal.code)

    with ThreadPoolExecutor(8) as pool:
        came = list(pool.map(join, range(20)))
    assert sum(one != RefusalCode.INVALID_STATE for one in came) == 1


@pytest.mark.parametrize("guess", ["", "ABCDE-ABCDE-ABCDE-ABCDE", "\0", "é" * 5_000, "' OR 1=1 --"])
def test_a_guessed_code_opens_nothing_and_tells_nothing(world: World, guess: str) -> None:
    with pytest.raises(Refusal) as refused:
        world.access.join(guess, b"", {}, "1")
    assert (refused.value.code, refused.value.field) == (RefusalCode.INVALID_STATE, "code")


def test_a_claim_that_is_too_old_or_withdrawn_opens_nothing(world: World) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    old = world.code(lifetime=timedelta(minutes=1))
    withdrawn = world.code()
    found = world.access.claims.find(hash_code(withdrawn))
    assert found is not None
    withdraw_device_claim(world.platform, world.request(), claim_id=found[1])
    later = world.platform.now() + timedelta(minutes=2)
    object.__setattr__(world.platform, "now", lambda: later)
    for code in (old, withdrawn):
        with pytest.raises(Refusal) as refused:
            world.access.join(code, signing_request(key), {}, "1")
        assert refused.value.code is RefusalCode.INVALID_STATE


def test_what_is_no_signing_request_uses_no_claim_up(world: World) -> None:
    code, key = world.code(), ec.generate_private_key(ec.SECP256R1())
    for wrong in (b"", b"x" * 100_000, signing_request(key).replace(b"A", b"B", 5)):
        with pytest.raises(Refusal) as refused:
            world.access.join(code, wrong, {}, "1")
        assert refused.value.field == "csr"
    world.access.join(code, signing_request(key), {}, "1")


def test_devices_of_one_host_name_get_names_of_their_own(world: World) -> None:
    names = [world.joined("raspberrypi").joined.name for _ in range(3)]
    assert names[0] == "raspberrypi"
    assert len(set(names)) == 3


@pytest.mark.parametrize("host", ["", " ", "a\0b", "x" * 500, "\u202e"])
def test_a_host_name_that_cannot_be_a_name_keeps_nobody_out(world: World, host: str) -> None:
    assert world.joined(host).joined.name


def test_a_call_is_let_in_once(world: World) -> None:
    device = world.joined()
    header = call(device)
    assert world.access.caller(header, "GET", "/x") == device.address
    with pytest.raises(Refusal, match="made before"):
        world.access.caller(header, "GET", "/x")


def test_a_call_counts_for_its_own_request_and_time_alone(world: World) -> None:
    device = world.joined()
    for header, method, path in (
        (call(device), "PUT", "/x"),
        (call(device), "GET", "/y"),
        (call(device, away=CALL_SECONDS + 60), "GET", "/x"),
        (call(device, away=-CALL_SECONDS - 60), "GET", "/x"),
        ("", "GET", "/x"),
        ("Edgewise-Device e30=", "GET", "/x"),
        ("Bearer abc", "GET", "/x"),
    ):
        with pytest.raises(Refusal) as refused:
            world.access.caller(header, method, path)
        assert refused.value.code is RefusalCode.UNAUTHENTICATED


def test_a_device_cannot_call_in_anothers_name(world: World) -> None:
    ours, theirs = world.joined(), world.joined()
    forged = Talking(world, theirs.joined, ours.key)
    with pytest.raises(Refusal, match="not in force"):
        world.access.caller(call(forged), "GET", "/x")


def test_a_new_certificate_is_for_a_new_key_and_the_old_one_holds_till_it_ends(
    world: World,
) -> None:
    device = world.joined()
    key = ec.generate_private_key(ec.SECP256R1())
    issued = world.access.renew(device.address, signing_request(key), "2")
    renewed = Talking(world, device.joined, key)
    with pytest.raises(Refusal):
        world.access.caller(call(renewed), "GET", "/x")  # the old serial, the new key
    now = world.platform.now().timestamp()
    header = authorization(device.address, issued.serial, "GET", "/x", now, key)
    assert world.access.caller(header, "GET", "/x") == device.address
    assert world.access.caller(call(device), "GET", "/x") == device.address


def test_who_was_cut_off_or_decommissioned_is_not_let_in(world: World) -> None:
    revoked, gone = world.joined(), world.joined()
    revoke_device_certificates(
        world.platform, world.request(), device_id=revoked.address.device, reason="stolen"
    )
    decommission_device(world.platform, world.request(), device_id=gone.address.device)
    for device in (revoked, gone):
        with pytest.raises(Refusal, match="not in force"):
            world.access.caller(call(device), "GET", "/x")


def test_the_events_of_a_join_hold_neither_code_nor_key(world: World) -> None:
    code = world.code()
    key = ec.generate_private_key(ec.SECP256R1())
    world.access.join(code, signing_request(key), {}, "1")
    with world.database.system() as connection:
        rows = connection.execute("SELECT state FROM events").fetchall()
    told = " ".join(json.dumps(row["state"], default=str) for row in rows)
    assert code not in told
    assert code.replace("-", "") not in told


def test_calls_that_are_too_old_to_be_taken_are_forgotten_and_no_others(world: World) -> None:
    now = world.platform.now()
    calls = PostgresDeviceCalls(world.database)
    assert calls.take("old", now - timedelta(minutes=2))
    assert calls.take("new", now + timedelta(minutes=2))
    calls.sweep()
    assert (calls.take("old", now), calls.take("new", now)) == (True, False)
