"""Signed statements, calls and commands: what holds, and what passes for nothing else."""

import base64
import json
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.protocol.calls import authorization, called
from edge.protocol.commands import Answer, AnswerStatus, BadCommand, Command, CommandKind
from edge.protocol.signed import CLOCK, COMMAND, NotSigned, opened, signed
from edge.protocol.topics import Address

ADDRESS = Address(uuid4(), uuid4())
KEYS = [Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())]


@pytest.mark.parametrize("key", KEYS)
def test_a_statement_opens_by_the_key_and_the_kind_that_it_was_signed_with(
    key: Ed25519PrivateKey,
) -> None:
    envelope = signed(COMMAND, {"a": 1}, key)
    assert opened(COMMAND, envelope, key.public_key()) == {"a": 1}
    with pytest.raises(NotSigned):
        opened(CLOCK, envelope, key.public_key())
    with pytest.raises(NotSigned):
        opened(COMMAND, envelope, Ed25519PrivateKey.generate().public_key())


@pytest.mark.parametrize("key", KEYS)
def test_a_changed_statement_does_not_open(key: Ed25519PrivateKey) -> None:
    envelope = signed(COMMAND, {"a": 1}, key)
    envelope["payload"] = base64.b64encode(b'{"a":2}').decode()
    with pytest.raises(NotSigned):
        opened(COMMAND, envelope, key.public_key())


def test_a_call_names_its_device_certificate_method_and_path_and_shows_its_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    call, shown = called(authorization(ADDRESS, "ab", "GET", "/devices/artifacts/1", 5.0, key))
    named = (call.address, call.serial, call.method, call.path, call.time)
    assert named == (ADDRESS, "ab", "GET", "/devices/artifacts/1", 5.0)
    assert shown == key.public_key()
    again, _ = called(authorization(ADDRESS, "ab", "GET", "/devices/artifacts/1", 5.0, key))
    assert again.id != call.id


def test_a_call_that_shows_another_key_than_it_is_signed_with_is_refused() -> None:
    mine, other = (
        authorization(ADDRESS, "ab", "GET", "/", 5.0, ec.generate_private_key(ec.SECP256R1()))
        for _ in range(2)
    )
    one, two = (json.loads(base64.b64decode(header.split()[1])) for header in (mine, other))
    mixed = base64.b64encode(json.dumps({**one, "key": two["key"]}).encode()).decode()
    with pytest.raises(NotSigned):
        called(f"Edgewise-Device {mixed}")


@pytest.mark.parametrize("header", ["", "Bearer x", "Edgewise-Device !", "Edgewise-Device e30K="])
def test_a_header_that_is_no_call_is_refused(header: str) -> None:
    with pytest.raises(NotSigned):
        called(header)


def test_a_command_is_what_it_was_after_its_way() -> None:
    command = Command(ADDRESS, uuid4(), CommandKind.PING, {"a": [1]}, 1.0, 2.0)
    assert Command.of(json.loads(json.dumps(command.statement()))) == command


@pytest.mark.parametrize("change", [{"kind": "SHELL"}, {"command": 3}, {"arguments": 7}])
def test_a_command_of_an_unknown_kind_or_form_is_refused(change: dict[str, object]) -> None:
    command = Command(ADDRESS, uuid4(), CommandKind.PING, {}, 1.0, 2.0)
    with pytest.raises(BadCommand):
        Command.of(command.statement() | change)


def test_an_answer_is_what_it_was_after_its_way() -> None:
    answer = Answer(AnswerStatus.FAILED, {"a": 1}, "why")
    assert Answer.of(json.loads(json.dumps(answer.body()))) == answer
    with pytest.raises(BadCommand):
        Answer.of({"status": "MAYBE"})
