"""A device, whatever happens to it in whatever order: late, twice, of another session."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from domain.cause import Cause, acting
from domain.device import Device
from domain.device_certificate import Certificate
from domain.device_command import MOST_OPEN, MOST_REMEMBERED, CommandStatus
from domain.device_description import Description
from domain.device_presence import OfflineReason
from domain.refusal import Refusal, RefusalCode
from tests.domain.conftest import TENANT

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=400)
NEVER_OVER = datetime(2200, 1, 1, tzinfo=UTC)
DOCUMENTS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=3)


def device(*, certified: bool = True) -> Device:
    made = Device.register(
        uuid4(), uuid4(), Description("lamp", {"site": "berlin"}), {"cpu": "arm"}
    )
    if certified:
        made.certify(Certificate("01", "ab", NEVER_OVER))
    return made


def count(of: Device, event: type[Device.Event]) -> int:
    return sum(type(one) is event for one in of.pending_events)


def online(of: Device) -> UUID:
    boot = uuid4()
    of.come_online(boot, "0.1", {})
    return boot


def sent(to: Device, kind: str = "PING", expires_at: datetime = LATER) -> UUID:
    command = uuid4()
    to.send_command(command, kind, {}, expires_at)
    return command


def test_a_session_that_is_online_already_is_no_news() -> None:
    lamp = device()
    boot = online(lamp)
    lamp.come_online(boot, "0.1", {})
    assert count(lamp, Device.CameOnline) == 1


def test_a_session_that_has_ended_is_taken_up_again_where_it_is_heard_of_anew_alone() -> None:
    lamp = device()
    boot = online(lamp)
    lamp.go_offline(boot, OfflineReason.LOST)
    lamp.come_online(boot, None, None, anew=False)
    assert not lamp.online
    lamp.come_online(boot, None, None, anew=True)
    assert lamp.online


def test_the_will_of_an_earlier_session_does_not_end_the_present_one() -> None:
    lamp = device()
    earlier = online(lamp)
    online(lamp)
    lamp.go_offline(earlier, OfflineReason.LOST)
    assert lamp.online


def test_a_device_without_a_certificate_does_not_come_online() -> None:
    lamp = device(certified=False)
    online(lamp)
    assert not lamp.online


def test_a_revoked_certificate_lets_nobody_in() -> None:
    lamp = device()
    online(lamp)
    assert lamp.valid("01", "ab", NOW)
    lamp.revoke(None, "stolen")
    assert not lamp.valid("01", "ab", NOW)
    lamp.revoke(None, "again")
    assert not lamp.online
    assert count(lamp, Device.CertificatesRevoked) == 1


@pytest.mark.parametrize(
    ("serial", "key", "at"),
    [("02", "ab", NOW), ("01", "cd", NOW), ("01", "ab", NEVER_OVER)],
)
def test_another_serial_another_key_or_a_time_too_late_let_nobody_in(
    serial: str, key: str, at: datetime
) -> None:
    assert not device().valid(serial, key, at)


def test_after_a_rotation_both_certificates_hold_until_the_old_one_ends() -> None:
    lamp = device()
    lamp.certify(Certificate("02", "cd", NEVER_OVER))
    assert lamp.valid("01", "ab", NOW)
    assert lamp.valid("02", "cd", NOW)
    lamp.revoke(["01"], "rotated")
    assert not lamp.valid("01", "ab", NOW)
    assert lamp.valid("02", "cd", NOW)


def test_a_write_from_a_version_that_is_not_the_present_one_changes_nothing() -> None:
    lamp = device()
    lamp.desire({"a": 1}, 0)
    with pytest.raises(Refusal) as refused:
        lamp.desire({"a": 2}, 0)
    assert refused.value.code is RefusalCode.CONFLICT
    assert (lamp.desired, lamp.desired_version) == ({"a": 1}, 1)


def test_what_is_desired_already_is_no_event() -> None:
    lamp = device()
    lamp.desire({"a": 1}, None)
    lamp.desire({"a": 1}, None)
    lamp.desire({"b": None}, 1)
    assert count(lamp, Device.DesiredChanged) == 1


def test_a_patch_too_deep_to_apply_is_refused() -> None:
    patch: dict[str, Any] = {}
    for _ in range(10_000):
        patch = {"x": patch}
    with pytest.raises(Refusal) as refused:
        device().desire(patch, None)
    assert refused.value.code is RefusalCode.INVALID


def test_a_command_asked_for_twice_is_sent_once_also_after_it_was_answered() -> None:
    lamp = device()
    command = sent(lamp)
    lamp.send_command(command, "PING", {}, LATER)
    lamp.answer_command(command, CommandStatus.SUCCEEDED, {}, None)
    lamp.send_command(command, "PING", {}, LATER)
    assert count(lamp, Device.CommandSent) == 1
    assert lamp.commands == {}


@pytest.mark.parametrize("answered", [False, True])
def test_a_commands_id_cannot_stand_for_another_command(answered: bool) -> None:
    lamp = device()
    command = sent(lamp)
    if answered:
        lamp.answer_command(command, CommandStatus.SUCCEEDED, {}, None)
    with pytest.raises(Refusal) as refused:
        lamp.send_command(command, "PING", {"lines": 1}, LATER)
    assert refused.value.code is RefusalCode.IDEMPOTENCY_MISMATCH


def test_so_many_commands_may_wait_and_no_more() -> None:
    lamp = device()
    first = sent(lamp)
    for _ in range(MOST_OPEN - 1):
        sent(lamp)
    with pytest.raises(Refusal) as refused:
        sent(lamp)
    assert refused.value.code is RefusalCode.INVALID_STATE
    lamp.answer_command(first, CommandStatus.FAILED, {}, "no")
    sent(lamp)


def test_what_is_remembered_of_commands_does_not_grow_for_ever() -> None:
    lamp = device()
    for _ in range(MOST_REMEMBERED + 5):
        lamp.answer_command(sent(lamp), CommandStatus.SUCCEEDED, {}, None)
    assert len(lamp.sent) == MOST_REMEMBERED


def test_a_command_expires_when_its_time_is_over_and_not_before() -> None:
    lamp = device()
    command = sent(lamp, expires_at=LATER)
    lamp.expire_command(command, LATER - timedelta(seconds=1))
    assert lamp.commands
    lamp.expire_command(command, LATER)
    lamp.expire_command(command, LATER)
    lamp.answer_command(command, CommandStatus.SUCCEEDED, {}, None)
    assert count(lamp, Device.CommandExpired) == 1
    assert count(lamp, Device.CommandAnswered) == 0


def test_a_decommissioned_device_is_cut_off_and_its_open_commands_expire() -> None:
    lamp = device()
    online(lamp)
    sent(lamp)
    lamp.decommission()
    lamp.decommission()
    assert (lamp.online, lamp.commands, lamp.certificates) == (False, {}, {})
    assert count(lamp, Device.CommandExpired) == 1
    assert count(lamp, Device.Decommissioned) == 1


def test_of_a_decommissioned_device_nothing_more_is_wanted() -> None:
    lamp = device()
    lamp.decommission()
    for act in (
        lambda: lamp.desire({"a": 1}, None),
        lambda: sent(lamp),
        lambda: lamp.describe(Description("other", {})),
        lambda: lamp.certify(Certificate("03", "ef", NEVER_OVER)),
    ):
        with pytest.raises(Refusal) as refused:
            act()
        assert refused.value.code is RefusalCode.INVALID_STATE


class AnyLife(RuleBasedStateMachine):
    """Whatever comes, in whatever order, and a plain account of what must be so."""

    boots = Bundle("boots")
    commands = Bundle("commands")

    def __init__(self) -> None:
        super().__init__()
        self.device = self._as_cause(device)
        self.session: UUID | None = None
        self.desired: dict[str, Any] = {}
        self.reported: dict[str, Any] = {}
        self.reported_version = 0
        self.open: set[UUID] = set()
        self.versions = [0]
        self.gone = False

    @initialize(target=boots)
    def first(self) -> UUID:
        return uuid4()

    @rule(target=boots)
    def reboot(self) -> UUID:
        return uuid4()

    @rule(boot=boots, anew=st.booleans())
    def birth(self, boot: UUID, anew: bool) -> None:
        known = not anew and boot == self.device.boot_id
        self._as_cause(lambda: self.device.come_online(boot, "0.1", {}, anew))
        if not (self.gone or known) and self.device.certificates:
            self.session = boot

    @rule(boot=boots, reason=st.sampled_from(OfflineReason))
    def will(self, boot: UUID, reason: OfflineReason) -> None:
        self._as_cause(lambda: self.device.go_offline(boot, reason))
        if self.session == boot:
            self.session = None

    @rule(version=st.integers(1, 9), document=DOCUMENTS)
    def report(self, version: int, document: dict[str, Any]) -> None:
        self._as_cause(lambda: self.device.report(version, document))
        if not self.gone and version > self.reported_version and document != self.reported:
            self.reported, self.reported_version = document, version

    @rule(patch=DOCUMENTS, seen=st.none() | st.integers(0, 5))
    def desire(self, patch: dict[str, Any], seen: int | None) -> None:
        allowed = not self.gone and seen in (None, self.device.desired_version)
        assert self._done(lambda: self.device.desire(patch, seen)) == allowed
        if allowed:
            self.desired = {**self.desired, **patch}

    @rule(target=commands)
    def send(self) -> UUID:
        command = uuid4()
        room = len(self.open) < MOST_OPEN and not self.gone
        assert self._done(lambda: self.device.send_command(command, "PING", {}, LATER)) == room
        if room:
            self.open.add(command)
        return command

    @rule(command=commands, status=st.sampled_from([CommandStatus.SUCCEEDED, CommandStatus.FAILED]))
    def answer(self, command: UUID, status: CommandStatus) -> None:
        self._as_cause(lambda: self.device.answer_command(command, status, {}, None))
        self.open.discard(command)

    @rule(command=commands, early=st.booleans())
    def expire(self, command: UUID, early: bool) -> None:
        now = LATER - timedelta(days=1) if early else LATER
        self._as_cause(lambda: self.device.expire_command(command, now))
        if not early:
            self.open.discard(command)

    @rule()
    def rotate(self) -> None:
        one = Certificate(uuid4().hex, "ab", NEVER_OVER)
        assert self._done(lambda: self.device.certify(one)) == (not self.gone)

    @rule()
    def revoke(self) -> None:
        self._as_cause(lambda: self.device.revoke(None, "stolen"))
        self.session = None

    @rule(sure=st.integers(0, 9))
    def decommission(self, sure: int) -> None:
        if sure == 0:
            self._as_cause(self.device.decommission)
            self.gone, self.session, self.open = True, None, set()

    @invariant()
    def is_online_in_the_session_that_came_last(self) -> None:
        assert self.device.online == (self.session is not None)
        assert self.session in (None, self.device.boot_id)

    @invariant()
    def holds_what_was_wanted_and_the_newest_report(self) -> None:
        assert (self.device.desired, self.device.reported) == (self.desired, self.reported)

    @invariant()
    def its_versions_never_fall(self) -> None:
        assert self.device.desired_version in (self.versions[-1], self.versions[-1] + 1)
        assert self.device.reported_version == self.reported_version
        self.versions.append(self.device.desired_version)

    @invariant()
    def each_command_is_open_until_it_ends_once(self) -> None:
        assert {one.id for one in self.device.commands.values()} == self.open
        ends = [
            event.command_id
            for event in self.device.pending_events
            if isinstance(event, Device.CommandAnswered | Device.CommandExpired)
        ]
        assert len(ends) == len(set(ends))

    @invariant()
    def the_same_events_make_the_same_device(self) -> None:
        made: Any = None
        for event in self.device.pending_events:
            made = event.mutate(made)
        assert vars(made) | {"_pending_events": []} == vars(self.device) | {"_pending_events": []}

    def _done(self, act: Any) -> bool:
        try:
            self._as_cause(act)
        except Refusal:
            return False
        return True

    @staticmethod
    def _as_cause(act: Any) -> Any:
        with acting(Cause(TENANT, "key:test", "request:1", "1")):
            return act()


TestAnyLife = AnyLife.TestCase
