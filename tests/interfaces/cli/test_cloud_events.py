"""Events are exported as CloudEvents 1.0."""

import re

from interfaces.cli.cloud_events import cloud_event

EVENT = {
    "position": 42,
    "streamId": "6f9a3c52-0f5e-5d0e-9c1b-2f6d1a7b8e10",
    "version": 3,
    "topic": "model.alias-moved",
    "recordedAt": "2026-03-01T12:00:00.100000+00:00",
    "occurredAt": "2026-03-01T12:00:00+00:00",
    "actor": "key:1",
    "causationId": "request:7",
    "correlationId": "request:7",
    "data": {"alias": "production"},
}


def test_every_required_attribute_is_there() -> None:
    found = cloud_event(EVENT, "http://127.0.0.1:8080")
    assert found["specversion"] == "1.0"
    assert found["id"] == "6f9a3c52-0f5e-5d0e-9c1b-2f6d1a7b8e10/3"
    assert found["source"] == "http://127.0.0.1:8080"
    assert found["type"] == "model.alias-moved"
    assert found["subject"] == "6f9a3c52-0f5e-5d0e-9c1b-2f6d1a7b8e10"
    assert found["time"] == "2026-03-01T12:00:00+00:00"
    assert found["datacontenttype"] == "application/json"
    assert found["data"] == {"alias": "production"}


def test_extension_attributes_have_names_and_types_that_the_standard_allows() -> None:
    found = cloud_event(EVENT, "s", "VGVuYW50OjEyMw==")
    assert found["position"] == "42"
    assert found["tenantid"] == "123"
    assert (found["actor"], found["causationid"]) == ("key:1", "request:7")
    assert all(re.fullmatch(r"[a-z0-9]+", name) for name in found)
    assert all(isinstance(value, str) for name, value in found.items() if name != "data")


def test_what_is_not_known_is_left_out() -> None:
    found = cloud_event({**EVENT, "correlationId": ""}, "s")
    assert "correlationid" not in found
    assert "tenantid" not in found
