"""Groups of devices: questions with names, whose answers follow what is true."""

from typing import Any

import pytest

from domain.device_profile import TEMPLATES
from domain.principal import Role
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.devices import Speaking, device
from tests.interfaces.graphql.test_devices import DECOMMISSION, DESCRIBE
from tests.interfaces.graphql.world import World

FIELDS = """id name labels { name value } online group text profile { name } count
  devices(first: 10) { nodes { name } }"""
DEFINE = f"""mutation ($name: String!, $q: DeviceGroupQueryInput!, $key: String) {{
  deviceGroupDefine(name: $name, query: $q, idempotencyKey: $key) {{
    deviceGroup {{ {FIELDS} }} eventPosition userErrors {{ field code }} }} }}"""
REVISE = f"""mutation ($g: ID!, $q: DeviceGroupQueryInput!) {{
  deviceGroupRevise(deviceGroupId: $g, query: $q) {{
    deviceGroup {{ {FIELDS} }} eventPosition userErrors {{ field code }} }} }}"""
DELETE = """mutation ($g: ID!) { deviceGroupDelete(deviceGroupId: $g) {
  deviceGroup { id } eventPosition userErrors { code } } }"""
GROUP = f"""query ($g: ID, $name: String, $at: Moment) {{
  deviceGroup(id: $g, name: $name, asOf: $at) {{ {FIELDS} }} }}"""
LIST = """query ($at: Moment) { deviceGroups(first: 10, asOf: $at) { nodes { name count } } }"""


async def group(client: Client, name: str = "berlin", **query: Any) -> Any:
    payload = await client.data(DEFINE, name=name, q=query)
    assert not payload["userErrors"], payload
    return payload["deviceGroup"]


def names(group: Any) -> list[str]:
    return sorted(node["name"] for node in group["devices"]["nodes"])


async def test_a_device_belongs_for_as_long_as_the_question_means_it(ours: Client) -> None:
    berlin = await group(ours, labels=["site=berlin"], online=True)
    assert (berlin["count"], names(berlin)) == (0, [])
    lamp = await device(ours, "lamp", {"site": "berlin"})
    speaking = Speaking(ours, lamp)
    await speaking.online()
    found = await ours.data(GROUP, g=berlin["id"])
    assert (found["count"], names(found)) == (1, ["lamp"])
    await speaking.offline()
    assert (await ours.data(GROUP, g=berlin["id"]))["count"] == 0
    await speaking.online()
    await ours.data(DESCRIBE, d=lamp, labels=[{"name": "site", "value": "paris"}])
    assert (await ours.data(GROUP, name="berlin"))["count"] == 0


async def test_who_belonged_is_shown_as_it_was(ours: Client) -> None:
    lamp = await device(ours, "lamp", {"site": "berlin"})
    berlin = await group(ours, labels=["site=berlin"])
    then = {"position": int((await ours.data("{ system { head } }"))["head"])}
    await ours.data(DECOMMISSION, d=lamp)
    await ours.data(DELETE, g=berlin["id"])
    assert await ours.data(GROUP, g=berlin["id"]) is None
    assert (await ours.data(LIST))["nodes"] == []
    assert await ours.data(GROUP, g=berlin["id"], at=then) == berlin
    assert await ours.data(GROUP, name="berlin", at=then) == berlin
    assert (await ours.data(LIST, at=then))["nodes"] == [{"name": "berlin", "count": 1}]
    node = "query ($id: ID!, $at: Moment) { node(id: $id, asOf: $at) { id } }"
    assert (await ours.data(node, id=berlin["id"], at=then))["id"] == berlin["id"]


async def test_every_part_of_a_question_is_kept_and_asked(ours: Client) -> None:
    await device(ours, "Camera one", {"site": "berlin"}, "hall", TEMPLATES[0].id)
    await device(ours, "camera two", {"site": "berlin"}, "hall")
    made = await group(
        ours,
        labels=["site=berlin"],
        online=False,
        group="hall",
        text="CAMERA",
        deviceProfileId=str(TEMPLATES[0].id),
    )
    assert made | {"id": "", "devices": {}} == {
        "id": "",
        "name": "berlin",
        "labels": [{"name": "site", "value": "berlin"}],
        "online": False,
        "group": "hall",
        "text": "CAMERA",
        "profile": {"name": TEMPLATES[0].name},
        "count": 1,
        "devices": {},
    }
    assert names(made) == ["Camera one"]
    revised = await ours.data(REVISE, g=made["id"], q={"text": "two"})
    assert (revised["deviceGroup"]["labels"], names(revised["deviceGroup"])) == ([], ["camera two"])


async def test_a_name_is_one_groups_and_free_again_when_that_is_deleted(ours: Client) -> None:
    berlin = await group(ours, "berlin")
    taken = await ours.data(DEFINE, name="BERLIN", q={})
    assert taken["userErrors"] == [{"field": "name", "code": "NAME_TAKEN"}]
    await ours.data(DELETE, g=berlin["id"])
    await ours.data(DELETE, g=berlin["id"])
    assert (await group(ours, "Berlin"))["name"] == "Berlin"
    payload = await ours.data(REVISE, g=berlin["id"], q={})
    assert payload["userErrors"][0]["code"] == "NOT_FOUND"


async def test_the_same_request_again_is_the_same_group(ours: Client) -> None:
    first = await ours.data(DEFINE, name="g", q={}, key="once")
    again = await ours.data(DEFINE, name="g", q={}, key="once")
    assert again["deviceGroup"]["id"] == first["deviceGroup"]["id"]
    other = await ours.data(DEFINE, name="g", q={"online": True}, key="once")
    assert other["userErrors"][0]["code"] == "IDEMPOTENCY_MISMATCH"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"labels": ["site"]}, "query.labels"),
        ({"labels": ["Site=x"]}, "query.labels"),
        ({"labels": ["site=a", "site=b"]}, "query.labels"),
        ({"labels": ["site=\u202e"]}, "query.labels.site"),
        ({"group": ""}, "query.group"),
        ({"text": ""}, "query.text"),
        ({"text": "x" * 500}, "query.text"),
    ],
)
async def test_a_question_that_cannot_be_is_refused_by_its_part(
    ours: Client, query: dict[str, Any], field: str
) -> None:
    payload = await ours.data(DEFINE, name="g", q=query)
    assert payload["userErrors"] == [{"field": field, "code": "INVALID"}]


async def test_a_viewer_looks_and_defines_nothing(ours: Client) -> None:
    berlin, viewer = await group(ours), ours.as_role(Role.VIEWER)
    assert (await viewer.data(GROUP, g=berlin["id"]))["name"] == "berlin"
    assert (await viewer.data(DEFINE, name="x", q={}))["userErrors"][0]["code"] == "FORBIDDEN"
    assert (await viewer.data(DELETE, g=berlin["id"]))["userErrors"][0]["code"] == "FORBIDDEN"


async def test_another_tenants_group_means_our_devices_nowhere(world: World) -> None:
    await device(world.ours, "lamp", {"site": "berlin"})
    theirs = await group(world.theirs, labels=["site=berlin"])
    assert theirs["count"] == 0
    assert await world.ours.data(GROUP, g=theirs["id"]) is None


async def test_why_a_group_is_as_it_is_is_told(ours: Client) -> None:
    berlin = await group(ours)
    await ours.data(REVISE, g=berlin["id"], q={"online": True})
    why = await ours.data("query ($id: ID!) { why(id: $id) { explanation } }", id=berlin["id"])
    assert "defined the device group “berlin”." in why["explanation"]
    assert "revised the device group “berlin”." in why["explanation"]
