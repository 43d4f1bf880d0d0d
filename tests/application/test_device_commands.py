"""What may be asked of devices, and what they may say, on a real event log."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.commands.command import Request
from application.commands.device import (
    NAME_KIND,
    decommission_device,
    describe_device,
    device_of,
    set_desired,
)
from application.commands.device_claim import hash_code, issue_device_claims, new_code
from application.commands.device_command import send_device_command
from application.commands.device_reports import (
    answer_command,
    checked_facts,
    come_online,
    expire_command,
    report_twin,
)
from application.commands.reservation import reserve_name
from application.platform import Platform
from domain.device import Device
from domain.device_certificate import Certificate
from domain.device_description import Description
from domain.principal import Principal, Role, device, system
from domain.refusal import Refusal, RefusalCode
from edge.protocol.commands import Answer, AnswerStatus, CommandKind


def joined(platform: Platform, tenant: UUID, name: str) -> UUID:
    made = Device.register(uuid4(), uuid4(), Description(name, {}), {})
    ends = platform.now() + timedelta(days=1)
    made.certify(Certificate(made.id.hex, "ab" * 32, ends))
    platform.log.save(made, reserve_name(platform, tenant, NAME_KIND, name, made.id))
    return UUID(str(made.id))


def operator(tenant: UUID, key: str | None = None) -> Request:
    return Request(Principal(tenant, "key:test", Role.OPERATOR), idempotency_key=key)


def refusal_of(act: Callable[[], Any]) -> RefusalCode:
    with pytest.raises(Refusal) as refused:
        act()
    return refused.value.code


def test_a_code_is_read_as_it_was_meant() -> None:
    code = new_code()
    assert hash_code(code) == hash_code(code.lower().replace("-", " "))
    assert hash_code("O0I1L-ABCDE") == hash_code("00111abcde")
    assert len({new_code() for _ in range(1_000)}) == 1_000


@pytest.mark.usefixtures("tenant")
def test_only_a_device_speaks_for_a_device(platform: Platform, tenant: UUID) -> None:
    lamp, other = joined(platform, tenant, "lamp"), joined(platform, tenant, "other")
    sent = send_device_command(
        platform, operator(tenant), device_id=lamp, kind=CommandKind.PING, arguments={},
        lifetime=timedelta(minutes=1),
    )  # fmt: skip
    answer = Answer(AnswerStatus.SUCCEEDED, {})
    assert refusal_of(
        lambda: answer_command(platform, operator(tenant), command_id=sent.id, answer=answer)
    ) is RefusalCode.FORBIDDEN  # fmt: skip
    answer_command(platform, Request(device(tenant, other)), command_id=sent.id, answer=answer)
    assert str(sent.id) in device_of(platform, lamp).commands
    answer_command(platform, Request(device(tenant, lamp)), command_id=sent.id, answer=answer)
    assert device_of(platform, lamp).commands == {}


def test_a_device_may_not_do_what_operators_do(platform: Platform, tenant: UUID) -> None:
    lamp = joined(platform, tenant, "lamp")
    itself = Request(device(tenant, lamp))
    assert refusal_of(
        lambda: set_desired(platform, itself, device_id=lamp, patch={"a": 1})
    ) is RefusalCode.FORBIDDEN  # fmt: skip
    assert refusal_of(
        lambda: issue_device_claims(
            platform, itself, count=1, lifetime=timedelta(days=1), labels={}, group=None,
            profile_id=None,
        )
    ) is RefusalCode.FORBIDDEN  # fmt: skip


def test_what_a_device_that_was_let_go_still_says_changes_nothing(
    platform: Platform, tenant: UUID
) -> None:
    lamp = joined(platform, tenant, "lamp")
    decommission_device(platform, operator(tenant), device_id=lamp)
    itself = Request(device(tenant, lamp))
    before = device_of(platform, lamp).version
    come_online(platform, itself, boot_id=uuid4(), agent="0.1", facts={})
    assert refusal_of(
        lambda: report_twin(platform, itself, version=1, reported={"a": 1})
    ) is RefusalCode.FORBIDDEN  # fmt: skip
    assert device_of(platform, lamp).version == before


def test_a_command_expires_once_its_time_is_over(platform: Platform, tenant: UUID) -> None:
    lamp = joined(platform, tenant, "lamp")
    sent = send_device_command(
        platform, operator(tenant), device_id=lamp, kind=CommandKind.PING, arguments={},
        lifetime=timedelta(days=1),
    )  # fmt: skip
    expire_command(platform, Request(system(tenant)), device_id=lamp, command_id=sent.id)
    assert str(sent.id) in device_of(platform, lamp).commands


def test_a_device_with_a_long_life_is_read_as_it_was_written(
    platform: Platform, tenant: UUID
) -> None:
    """Snapshots stand for its early life; what they hold is what the events say."""
    lamp = joined(platform, tenant, "lamp")

    def ping() -> UUID:
        return send_device_command(
            platform, operator(tenant, "once"), device_id=lamp, kind=CommandKind.PING,
            arguments={}, lifetime=timedelta(days=1),
        ).id  # fmt: skip

    first = ping()
    for number in range(120):
        set_desired(platform, operator(tenant), device_id=lamp, patch={"n": number})
    found = device_of(platform, lamp)
    assert (found.desired, found.desired_version) == ({"n": 119}, 120)
    assert found.commands.keys() == {str(first)}
    assert found.valid(lamp.hex, "ab" * 32, platform.now())
    assert ping() == first
    version = device_of(platform, lamp).version
    assert version == found.version


def test_of_many_who_take_one_name_one_has_it(platform: Platform, tenant: UUID) -> None:
    devices = [joined(platform, tenant, f"d{number}") for number in range(6)]
    refused: list[RefusalCode] = []

    def rename(id: UUID) -> None:
        try:
            describe_device(platform, operator(tenant), device_id=id, name="Lamp")
        except Refusal as refusal:
            refused.append(refusal.code)

    threads = [threading.Thread(target=rename, args=(id,)) for id in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [device_of(platform, id).description.name for id in devices]
    assert names.count("Lamp") == 1
    assert refused == [RefusalCode.NAME_TAKEN] * 5


def test_a_name_that_differs_in_case_alone_is_taken_over_by_its_own_device(
    platform: Platform, tenant: UUID
) -> None:
    lamp = joined(platform, tenant, "lamp")
    describe_device(platform, operator(tenant), device_id=lamp, name="LAMP")
    assert device_of(platform, lamp).description.name == "LAMP"


def test_facts_are_plain_short_and_few() -> None:
    facts = {"ok": "x", "long": "y" * 9_000, "nested": {"a": 1}, "huge": 2**70, "list": [1]}
    assert checked_facts(facts) == {"ok": "x", "long": "y" * 200}
    assert len(checked_facts({f"f{number}": number for number in range(999)})) == 40
    assert checked_facts({"n": float("nan"), "i": float("inf"), "t": True}) == {"t": True}
