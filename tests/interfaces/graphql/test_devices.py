"""Devices as people ask for them: now, as they were, by what is known of them."""

from typing import Any
from uuid import uuid4

import pytest

from domain.device_profile import TEMPLATES
from domain.principal import Role
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.devices import Speaking, device
from tests.interfaces.graphql.world import World

FIELDS = """
  id name labels { name value } group online onlineChangedAt offlineReason agent facts
  twin { desired reported delta desiredVersion reportedVersion inSync }
  certificate { serial expiresAt } decommissioned registeredAt position changed
  profile { name template }
"""
DEVICE = f"""query ($id: ID, $name: String, $at: Moment, $p: BigInt) {{
  device(id: $id, name: $name, asOf: $at, waitFor: $p) {{ {FIELDS}
    certificates(first: 5) {{ nodes {{ serial keyId revokedAt reason }} }}
    commands(first: 5) {{ nodes {{ id kind status result error }} }}
    events(first: 50) {{ nodes {{ topic }} }} }} }}"""
LIST = """query ($f: DeviceFilter, $at: Moment) {
  devices(first: 10, filter: $f, asOf: $at) { nodes { name } } }"""
SET = """mutation ($d: ID!, $patch: JSON!, $v: Int) {
  deviceTwinSet(deviceId: $d, patch: $patch, version: $v) {
    device { twin { desired desiredVersion delta inSync } } eventPosition
    userErrors { field message code } } }"""
DESCRIBE = """mutation ($d: ID!, $name: String, $labels: [LabelInput!]) {
  deviceDescribe(deviceId: $d, name: $name, labels: $labels) {
    device { name labels { name value } group profile { name } }
    eventPosition userErrors { field code } } }"""
REVOKE = """mutation ($d: ID!) { deviceCertificatesRevoke(deviceId: $d, reason: "stolen") {
  device { certificate { serial } online certificates(first: 2) { nodes { reason } } }
  eventPosition userErrors { field code } } }"""
DECOMMISSION = """mutation ($d: ID!) { deviceDecommission(deviceId: $d) {
  device { decommissioned online } eventPosition userErrors { field code } } }"""
DIFF = """query ($d: ID!, $from: Moment!, $to: Moment) {
  deviceTwinDiff(deviceId: $d, from: $from, to: $to) {
    fromPosition toPosition desired reported before { desiredVersion } after { desiredVersion }
  } }"""


async def test_a_device_is_shown_with_all_that_hangs_on_it(ours: Client) -> None:
    lamp = await device(ours, "lamp", {"site": "berlin", "floor": "2"}, "hall", TEMPLATES[1].id)
    speaking = Speaking(ours, lamp)
    await speaking.online(cpu="arm", cores=4)
    await speaking.report(1, interval=5, model="digits")
    await ours.data(SET, d=lamp, patch={"interval": 10})
    found = await ours.data(DEVICE, id=lamp)
    assert found["labels"] == [
        {"name": "floor", "value": "2"},
        {"name": "site", "value": "berlin"},
    ]
    assert (found["group"], found["online"], found["agent"]) == ("hall", True, "0.1.0")
    assert found["facts"] == {"cpu": "arm", "cores": 4}
    assert found["profile"] == {"name": TEMPLATES[1].name, "template": True}
    assert found["twin"] == {
        "desired": {"interval": 10},
        "reported": {"interval": 5, "model": "digits"},
        "delta": {"interval": 10},
        "desiredVersion": 1,
        "reportedVersion": 1,
        "inSync": False,
    }
    assert found["certificate"]["serial"] == found["certificates"]["nodes"][0]["serial"]
    assert await ours.data(DEVICE, name="lamp") == found


async def test_a_device_that_went_offline_says_why_and_since_when(ours: Client) -> None:
    lamp = await device(ours)
    speaking = Speaking(ours, lamp)
    before = await ours.data(DEVICE, id=lamp)
    assert (before["online"], before["onlineChangedAt"], before["offlineReason"]) == (
        False,
        None,
        None,
    )
    await speaking.online()
    await speaking.offline()
    found = await ours.data(DEVICE, id=lamp)
    assert (found["online"], found["offlineReason"]) == (False, "LOST")
    assert found["onlineChangedAt"] is not None


async def test_devices_are_found_by_what_is_known_of_them(ours: Client) -> None:
    one = await device(ours, "Camera one", {"site": "berlin", "floor": "1"}, "cameras")
    await device(ours, "camera two", {"site": "berlin"}, None, TEMPLATES[0].id)
    await device(ours, "lamp", {"site": "paris"})
    await Speaking(ours, one).online()
    for wanted, names in [
        (None, ["lamp", "camera two", "Camera one"]),
        ({"labels": ["site=berlin"]}, ["camera two", "Camera one"]),
        ({"labels": ["site=berlin", "floor=1"]}, ["Camera one"]),
        ({"labels": ["site=berl"]}, []),
        ({"labels": ["site=rome"]}, []),
        ({"text": "CAMERA"}, ["camera two", "Camera one"]),
        ({"online": True}, ["Camera one"]),
        ({"online": False, "labels": ["site=berlin"]}, ["camera two"]),
        ({"group": "cameras"}, ["Camera one"]),
        ({"deviceProfileId": str(TEMPLATES[0].id)}, ["camera two"]),
        ({"text": "%"}, []),
        ({"decommissioned": True}, []),
    ]:
        found = await ours.data(LIST, f=wanted)
        assert [node["name"] for node in found["nodes"]] == names, wanted
        head = {"position": int((await ours.data("{ system { head } }"))["head"])}
        then = await ours.data(LIST, f=wanted, at=head)
        assert then == found, wanted


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"labels": ["site"]}, "filter.labels"),
        ({"labels": ["=x"]}, "filter.labels"),
        ({"labels": ["site=a", "site=b"]}, "filter.labels"),
        ({"labels": ["\0=x"]}, "filter.labels"),
        ({"labels": [f"l{n}=x" for n in range(33)]}, "filter.labels"),
        ({"text": "\0"}, "filter.text"),
        ({"text": "x" * 201}, "filter.text"),
        ({"group": "\ud800"}, "filter.group"),
        ({"deviceProfileId": "x"}, "filter.deviceProfileId"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused_by_its_part(
    ours: Client, wanted: dict[str, Any], field: str
) -> None:
    asked = await ours.ask(LIST, f=wanted)
    assert (asked.code, asked.errors[0]["extensions"]["field"]) == ("INVALID", field)


@pytest.mark.parametrize("hostile", ["' OR 1=1 --", "\"}'::jsonb", "%(x)s", "{0}", "\\", "a=b=c"])
async def test_a_selector_is_a_text_whatever_stands_in_it(ours: Client, hostile: str) -> None:
    lamp = await device(ours, "lamp", {"site": hostile})
    assert lamp
    found = await ours.data(LIST, f={"labels": [f"site={hostile}"]})
    assert [node["name"] for node in found["nodes"]] == ["lamp"]
    assert (await ours.data(LIST, f={"labels": ["site=other"]}))["nodes"] == []


async def test_a_write_is_shown_with_what_the_device_still_has_to_do(ours: Client) -> None:
    lamp = await device(ours)
    payload = await ours.data(SET, d=lamp, patch={"a": {"b": 1}, "c": 2})
    twin = payload["device"]["twin"]
    assert (twin["desired"], twin["desiredVersion"]) == ({"a": {"b": 1}, "c": 2}, 1)
    assert not twin["inSync"]
    payload = await ours.data(SET, d=lamp, patch={"a": {"b": None}}, v=1)
    assert payload["device"]["twin"]["desired"] == {"a": {}, "c": 2}


async def test_the_difference_of_two_moments_is_a_patch_in_either_direction(ours: Client) -> None:
    lamp = await device(ours)
    one = await ours.data(SET, d=lamp, patch={"a": 1, "b": {"c": 1}})
    two = await ours.data(SET, d=lamp, patch={"a": None, "b": {"c": 2}, "d": [1]})
    first, last = ({"position": payload["eventPosition"]} for payload in (one, two))
    found = await ours.data(DIFF, **{"d": lamp, "from": first, "to": last})
    assert found["desired"] == {"a": None, "b": {"c": 2}, "d": [1]}
    assert found["reported"] == {}
    assert (found["before"], found["after"]) == ({"desiredVersion": 1}, {"desiredVersion": 2})
    back = await ours.data(DIFF, **{"d": lamp, "from": last, "to": first})
    assert back["desired"] == {"a": 1, "b": {"c": 1}, "d": None}
    birth = await ours.data(DIFF, **{"d": lamp, "from": {"position": 0}})
    assert birth["before"] is None
    assert birth["desired"] == {"b": {"c": 2}, "d": [1]}


@pytest.mark.parametrize(("side", "moment"), [("from", {}), ("to", {"position": 2**50})])
async def test_a_moment_that_cannot_be_is_refused_by_its_side(
    ours: Client, side: str, moment: dict[str, Any]
) -> None:
    lamp = await device(ours)
    given = {"d": lamp, "from": {"position": 0}, "to": {"position": 0}} | {side: moment}
    asked = await ours.ask(DIFF, **given)
    assert (asked.code, asked.errors[0]["extensions"]["field"]) == ("INVALID", side)


async def test_after_each_change_the_device_of_then_is_the_one_that_was_read_then(
    ours: Client,
) -> None:
    lamp = await device(ours, "lamp", {"site": "berlin"})
    speaking, read = Speaking(ours, lamp), []

    async def then() -> None:
        head = int((await ours.data("{ system { head } }"))["head"])
        read.append((head, await ours.data(DEVICE, id=lamp), await ours.data(LIST)))

    await then()
    await speaking.online(cpu="arm")
    await then()
    await ours.data(SET, d=lamp, patch={"a": 1})
    await speaking.report(1, a=1)
    await then()
    await ours.data(DESCRIBE, d=lamp, name="light", labels=[])
    await then()
    await ours.data(REVOKE, d=lamp)
    await then()
    await ours.data(DECOMMISSION, d=lamp)
    await then()
    for position, one, listed in read:
        assert await ours.data(DEVICE, id=lamp, at={"position": position}) == one
        assert await ours.data(LIST, at={"position": position}) == listed
        nodes = "query ($id: ID!, $at: Moment) { node(id: $id, asOf: $at) { id } }"
        assert (await ours.data(nodes, id=lamp, at={"position": position}))["id"] == lamp


async def test_a_description_changes_in_what_is_given_and_nothing_else(ours: Client) -> None:
    lamp = await device(ours, "lamp", {"site": "berlin"}, "hall", TEMPLATES[0].id)
    payload = await ours.data(DESCRIBE, d=lamp, name="light")
    assert payload["device"] == {
        "name": "light",
        "labels": [{"name": "site", "value": "berlin"}],
        "group": "hall",
        "profile": {"name": TEMPLATES[0].name},
    }
    without = """mutation ($d: ID!) {
      deviceDescribe(deviceId: $d, group: null, deviceProfileId: null) {
        device { group profile { name } } userErrors { code } } }"""
    payload = await ours.data(without, d=lamp)
    assert payload["device"] == {"group": None, "profile": None}


async def test_a_name_is_one_devices_and_free_again_when_that_is_gone(ours: Client) -> None:
    lamp = await device(ours, "lamp")
    other = await device(ours, "other")
    payload = await ours.data(DESCRIBE, d=other, name="LAMP")
    assert payload["userErrors"] == [{"field": "name", "code": "NAME_TAKEN"}]
    await ours.data(DECOMMISSION, d=lamp)
    assert await ours.data(DEVICE, name="lamp") is None
    payload = await ours.data(DESCRIBE, d=other, name="lamp")
    assert (await ours.data(DEVICE, name="lamp", p=payload["eventPosition"]))["id"] == other
    assert (await ours.data(DEVICE, id=lamp))["decommissioned"]


async def test_a_label_given_twice_is_refused(ours: Client) -> None:
    twice = [{"name": "site", "value": "a"}, {"name": "site", "value": "b"}]
    payload = await ours.data(DESCRIBE, d=await device(ours), labels=twice)
    assert payload["userErrors"] == [{"field": "labels", "code": "INVALID"}]


async def test_a_revoked_device_is_cut_off_and_says_so(ours: Client) -> None:
    lamp = await device(ours)
    await Speaking(ours, lamp).online()
    payload = await ours.data(REVOKE, d=lamp)
    assert payload["device"] == {
        "certificate": None,
        "online": False,
        "certificates": {"nodes": [{"reason": "stolen"}]},
    }


@pytest.mark.parametrize("query", [DESCRIBE, REVOKE, DECOMMISSION])
async def test_a_viewer_looks_and_changes_nothing(ours: Client, query: str) -> None:
    lamp, viewer = await device(ours), ours.as_role(Role.VIEWER)
    payload = await viewer.data(query, d=lamp)
    assert payload["userErrors"][0]["code"] == "FORBIDDEN"
    payload = await viewer.data(SET, d=lamp, patch={"a": 1})
    assert payload["userErrors"][0]["code"] == "FORBIDDEN"
    assert (await viewer.data(DEVICE, id=lamp))["name"] == "lamp"


async def test_why_a_device_is_as_it_is_is_told_in_sentences(ours: Client) -> None:
    lamp = await device(ours)
    await Speaking(ours, lamp).online()
    await ours.data(SET, d=lamp, patch={"a": 1})
    await ours.data(REVOKE, d=lamp)
    why = await ours.data("query ($id: ID!) { why(id: $id) { kind explanation } }", id=lamp)
    assert why["kind"] == "Device"
    for words in (
        "The device “lamp” joined with the claim",
        "The device “lamp” came online with the agent 0.1.0.",
        "changed what is desired of the device “lamp”: version 1.",
        "revoked the certificate of the device “lamp”: stolen.",
    ):
        assert words in why["explanation"]
    assert "caused device." not in why["explanation"]


async def test_another_tenants_devices_are_not_there(world: World) -> None:
    theirs = await device(world.theirs, "theirs", {"site": "berlin"})
    assert await world.ours.data(DEVICE, id=theirs) is None
    assert await world.ours.data(DEVICE, name="theirs") is None
    assert (await world.ours.data(LIST, f={"labels": ["site=berlin"]}))["nodes"] == []
    assert await world.ours.data(DEVICE, id=str(uuid4())) is None
