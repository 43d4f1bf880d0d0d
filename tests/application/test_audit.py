"""Proof without a database: what is hashed and signed, and an export that speaks for itself."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from application.audit.chain import NO_HASH, ChainedEvent, log_hash, stream_hash
from application.audit.checkpoint import (
    BadCheckpoint,
    Checkpoint,
    public_text,
    read_checkpoint,
    read_public,
)
from application.audit.export_file import (
    BadExport,
    Exporting,
    ExportReading,
    exported,
)
from application.audit.verification import Verification

NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, UTC)
KEY = Ed25519PrivateKey.generate()
OURS, THEIRS = uuid4(), uuid4()


def chained(*rows: tuple[UUID, UUID, bytes]) -> list[ChainedEvent]:
    """A log of these (tenant, stream, state), with gaps in its positions."""
    heads: dict[UUID, tuple[int, bytes]] = {}
    events: list[ChainedEvent] = []
    for place, (tenant, stream, state) in enumerate(rows, 1):
        version, before = heads.get(stream, (0, NO_HASH))
        event = ChainedEvent(
            place * 3, stream, version + 1, "t.happened", state, tenant, NOW, b"", b""
        )
        event = replace(event, stream_hash=stream_hash(before, event))
        head = events[-1].log_hash if events else NO_HASH
        event = replace(event, log_hash=log_hash(head, event.stream_hash))
        heads[stream] = (event.version, event.stream_hash)
        events.append(event)
    return events


@pytest.fixture
def log() -> list[ChainedEvent]:
    one, other = uuid4(), uuid4()
    rows = [(OURS, one, b'{"a": "\xc3\xa4"}'), (THEIRS, other, b"{}"), (OURS, one, b"\xff\x00")]
    return chained(*rows, (OURS, uuid4(), b"{}"), (THEIRS, other, b"{}"))


def lines(log: list[ChainedEvent], tenant: UUID | None = None) -> list[str]:
    exporting = Exporting(tenant, NOW)
    objects = [exporting.header]
    mine = (event for event in log if tenant in (None, event.tenant_id))
    objects += [exported(exporting.take(event)) for event in mine]
    return [json.dumps(each) for each in [*objects, exporting.checkpoint.signed(KEY)]]


def flaws(text: list[str]) -> Iterator[tuple[str, int]]:
    own = read_checkpoint(json.loads(text[-1]), KEY.public_key())
    verification = Verification([own])
    for event in ExportReading(text).events():
        verification.look(event)
    return ((finding.flaw.value, finding.position) for finding in verification.findings())


def test_the_bytes_that_are_hashed_are_those_of_the_docstring() -> None:
    """By hand, so that neither the program nor the database can move them unnoticed."""
    stream, tenant = UUID(int=1), UUID(int=2)
    event = ChainedEvent(258, stream, 3, "tä", b"{}", tenant, NOW, b"", b"")
    microseconds = int((NOW - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds()) * 10**6 + 890123
    expected = (
        b"edgewise.stream.1" + bytes(32) + bytes(6) + b"\x01\x02" + bytes(15) + b"\x01"
        + bytes(7) + b"\x03" + bytes(15) + b"\x02" + microseconds.to_bytes(8, "big")
        + b"\x00\x00\x00\x03t\xc3\xa4" + b"\x00\x00\x00\x02{}"
    )  # fmt: skip
    assert stream_hash(NO_HASH, event) == sha256(expected).digest()
    assert (
        log_hash(b"b" * 32, b"s" * 32) == sha256(b"edgewise.log.1" + b"b" * 32 + b"s" * 32).digest()
    )


@pytest.mark.parametrize("tenant", [None, OURS, THEIRS, uuid4()])
def test_an_export_proves_itself(log: list[ChainedEvent], tenant: UUID | None) -> None:
    text = lines(log, tenant)
    assert list(flaws(text)) == []
    read = list(ExportReading(text).events())
    assert [event.state for event in read] == [
        event.state for event in log if tenant in (None, event.tenant_id)
    ]


def test_a_tenant_s_export_tells_nothing_of_others(log: list[ChainedEvent]) -> None:
    text = "\n".join(lines(log, OURS))
    assert str(THEIRS) not in text
    assert not any(event.log_hash.hex() in text for event in log[1:])
    assert not any(event.stream_hash.hex() in text for event in log if event.tenant_id == THEIRS)


@pytest.mark.parametrize("tenant", [None, OURS])
def test_a_line_taken_out_of_an_export_is_found(
    log: list[ChainedEvent], tenant: UUID | None
) -> None:
    whole = lines(log, tenant)
    for place in range(1, len(whole) - 1):
        assert list(flaws(whole[:place] + whole[place + 1 :])), place


@pytest.mark.parametrize("tenant", [None, OURS])
def test_two_lines_exchanged_in_an_export_are_found(
    log: list[ChainedEvent], tenant: UUID | None
) -> None:
    text = lines(log, tenant)
    text[1], text[2] = text[2], text[1]
    assert list(flaws(text))


def test_a_changed_state_in_an_export_is_found(log: list[ChainedEvent]) -> None:
    text = lines(log)
    text[2] = text[2].replace('"{}"', '"{ }"')
    assert list(flaws(text)) == [("changed", 6)]


def test_an_export_that_was_made_anew_needs_the_key(log: list[ChainedEvent]) -> None:
    forged = lines(chained((OURS, uuid4(), b"{}")))
    honest = lines(log)
    assert list(flaws([*forged[:-1], honest[-1]]))


def test_a_later_export_is_held_against_an_earlier_checkpoint(log: list[ChainedEvent]) -> None:
    for tenant in (None, OURS):
        earlier = read_checkpoint(json.loads(lines(log[:3], tenant)[-1]), KEY.public_key())
        verification = Verification([earlier])
        for event in ExportReading(lines(log, tenant)).events():
            verification.look(event)
        assert verification.findings() == []
        rewritten = Verification([earlier])
        for event in ExportReading(lines(log[1:], tenant)).events():
            rewritten.look(event)
        assert rewritten.findings()


def test_a_checkpoint_of_a_tenant_is_held_against_the_whole_log(log: list[ChainedEvent]) -> None:
    theirs = read_checkpoint(json.loads(lines(log, THEIRS)[-1]), KEY.public_key())
    for events, expected in ((log, []), (log[:4], ["truncated"])):
        verification = Verification([theirs])
        for event in events:
            verification.look(event)
        assert [finding.flaw for finding in verification.findings()] == expected


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (slice(0, -1), "without a checkpoint"),
        (slice(1, None), "This is no export"),
        (slice(0, 0), "This is no export"),
    ],
)
def test_half_an_export_is_refused(log: list[ChainedEvent], cut: slice, words: str) -> None:
    with pytest.raises(BadExport, match=words):
        list(ExportReading(lines(log)[cut]).events())


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "{}", '{"position": -1}', '{"position": 1e400}', "[" * 20, '{"position": true}'],
)
def test_a_line_that_is_no_event_is_named(log: list[ChainedEvent], line: str) -> None:
    text = lines(log)
    text[3] = line
    with pytest.raises(BadExport, match="line 4"):
        list(ExportReading(text).events())


def test_an_event_of_another_tenant_in_a_tenant_s_export_is_refused(
    log: list[ChainedEvent],
) -> None:
    text = lines(log, OURS)
    text[1] = json.dumps(exported(log[1]))
    with pytest.raises(BadExport, match="line 2 is an event of another tenant"):
        list(ExportReading(text).events())


@pytest.mark.parametrize("name", ["position", "hash", "count", "time", "tenant", "signature"])
def test_a_changed_checkpoint_is_refused(name: str) -> None:
    document = Checkpoint(3, bytes(32), 2, NOW).signed(KEY)
    changes = {"position": 4, "count": 1, "tenant": str(OURS), "time": NOW.isoformat()[:-6] + "Z"}
    document[name] = changes.get(name, "ff" * 32)
    with pytest.raises(BadCheckpoint, match="changed, or forged"):
        read_checkpoint(document, KEY.public_key())


def test_a_checkpoint_by_another_key_is_refused_and_both_are_named() -> None:
    document = Checkpoint(3, bytes(32), 2, NOW).signed(Ed25519PrivateKey.generate())
    with pytest.raises(BadCheckpoint, match=f"{document['key']}.*Give the public key"):
        read_checkpoint(document, KEY.public_key())


@pytest.mark.parametrize("document", [None, [], {}, {"format": "x"}, "text"])
def test_what_is_no_checkpoint_is_refused(document: object) -> None:
    with pytest.raises(BadCheckpoint, match="no checkpoint"):
        read_checkpoint(document, KEY.public_key())


def test_a_public_key_is_passed_on_as_text() -> None:
    text = public_text(KEY.public_key())
    assert read_public(f" {text}\n").public_bytes_raw() == KEY.public_key().public_bytes_raw()


@pytest.mark.parametrize("text", ["", "ed25519:", "ed25519:AAAA", "ssh-rsa AAAA", "ä" * 44])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(BadCheckpoint, match="no public key"):
        read_public(text)
