"""Topics that name one device, and envelopes that hold nothing hostile."""

import json
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.protocol.envelope import MOST_BYTES, BadEnvelope, Envelope, decoded, encoded
from edge.protocol.topics import TELEMETRY, Address, Said, UnknownTopic, address_of, parsed

ADDRESS = Address(uuid4(), uuid4())
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.uuids(), st.uuids())
def test_a_user_name_fits_into_a_common_name_and_gives_the_address_back(
    tenant: UUID, device: UUID
) -> None:
    address = Address(tenant, device)
    assert len(address.user_name) <= 64
    assert address_of(address.user_name) == address


def test_what_a_device_writes_is_known_by_its_topic() -> None:
    named = uuid4()
    for kind in Said:
        found = parsed(ADDRESS.said(kind, named))
        of = named if kind in (Said.RESPONSE, Said.UPDATE_STATUS) else None
        assert found == (ADDRESS, kind, of)
    assert len(TELEMETRY) == 3


def test_what_a_device_hears_is_nothing_that_it_may_write() -> None:
    for topic in (*ADDRESS.heard[:-1], ADDRESS.request(uuid4())):
        with pytest.raises(UnknownTopic):
            parsed(topic)


@given(st.dictionaries(st.text(max_size=5), PLAIN, max_size=4))
def test_an_envelope_is_what_it_was_after_its_way(body: dict[str, object]) -> None:
    envelope = Envelope(uuid4(), 7, 1.5, body)
    assert decoded(encoded(envelope)) == envelope


@given(st.binary(max_size=200))
def test_bytes_that_are_no_envelope_are_refused_and_nothing_else_happens(payload: bytes) -> None:
    with pytest.raises(BadEnvelope):
        decoded(payload)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2}, {"v": None}, {"seq": 0}, {"seq": True}, {"seq": 2**63}, {"ts": "now"},
        {"ts": 1e12}, {"body": []}, {"boot_id": "x"}, {"id": 3},
    ],
)  # fmt: skip
def test_an_envelope_of_another_form_is_refused(change: dict[str, object]) -> None:
    document = json.loads(encoded(Envelope(uuid4(), 1, 1.0, {})))
    with pytest.raises(BadEnvelope):
        decoded(json.dumps(document | change).encode())


def test_what_is_too_large_too_deep_or_no_number_does_not_even_leave() -> None:
    for body in ({"x": "y" * MOST_BYTES}, {"x": float("nan")}, {"x": object()}):
        with pytest.raises(BadEnvelope):
            encoded(Envelope(uuid4(), 1, 1.0, body))


def test_unknown_fields_are_ignored() -> None:
    document = json.loads(encoded(Envelope(uuid4(), 1, 1.0, {"a": 1})))
    assert decoded(json.dumps(document | {"later": {}}).encode()).body == {"a": 1}
