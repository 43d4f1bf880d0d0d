"""Claims as people issue, look at and withdraw them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import anyio.to_thread
import pytest

from application.commands.device_claim import hash_code
from application.views.device_claim import DeviceClaimRow
from domain.cause import Cause, acting
from domain.device_claim import DeviceClaim
from domain.principal import Role
from interfaces.graphql.node import parsed_any_id
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.devices import VIEWS
from tests.interfaces.graphql.world import World

ISSUE = """mutation ($n: Int! = 1, $s: Int! = 3600, $labels: [LabelInput!], $group: String,
                     $profile: ID, $key: String) {
  deviceClaimsIssue(count: $n, expiresIn: $s, labels: $labels, group: $group,
                    deviceProfileId: $profile, idempotencyKey: $key) {
    claims { id code expiresAt } eventPosition userErrors { field message code } } }"""
WITHDRAW = """mutation ($c: ID!) { deviceClaimWithdraw(deviceClaimId: $c) {
  deviceClaim { id status } eventPosition userErrors { field code } } }"""
LIST = """query ($s: DeviceClaimStatus, $at: Moment, $p: BigInt) {
  deviceClaims(first: 10, status: $s, asOf: $at, waitFor: $p) {
    nodes { id status labels { name value } group issuedBy expiresAt device { name }
            profile { name } } } }"""


async def issued(client: Client, **given: Any) -> list[Any]:
    payload = await client.data(ISSUE, **given)
    assert not payload["userErrors"], payload
    await client.context.waiter.reached(payload["eventPosition"], VIEWS)
    claims: list[Any] = payload["claims"]
    return claims


async def used(client: Client, claim: str, at: datetime | None = None) -> None:
    """By some key, as when a device joins."""
    platform, id = client.context.platform, bare(claim)

    def use() -> int:
        with acting(Cause(client.tenant_id, "key:test", "request:1", "1")):
            found = platform.log.find(DeviceClaim, id)
            assert found is not None
            found.use("ab" * 32, at or platform.now())
            return platform.log.save(found)

    await client.context.waiter.reached(await anyio.to_thread.run_sync(use), VIEWS)


def bare(id: str) -> UUID:
    return parsed_any_id(id, "id")[1]


async def test_codes_are_issued_each_of_its_own_and_never_kept(ours: Client) -> None:
    labels = [{"name": "site", "value": "berlin"}]
    claims = await issued(ours, n=3, labels=labels, group="cameras")
    assert len({claim["code"] for claim in claims}) == 3
    held = (await ours.data(LIST))["nodes"]
    assert {one["id"] for one in held} == {claim["id"] for claim in claims}
    assert all((one["labels"], one["group"]) == (labels, "cameras") for one in held)
    rows = await ours.context.present.rows.find(
        DeviceClaimRow, "id", [bare(claim["id"]) for claim in claims]
    )
    assert {row.sha256 for row in rows} == {hash_code(claim["code"]) for claim in claims}
    events = await ours.data("{ events(first: 100) { nodes { data } } }")
    assert all(claim["code"] not in str(events) for claim in claims)


async def test_a_claim_is_open_used_withdrawn_or_expired(ours: Client) -> None:
    open_, use, withdraw = await issued(ours, n=3)
    (short,) = await issued(ours, s=60)
    await used(ours, use["id"])
    await ours.data(WITHDRAW, c=withdraw["id"])
    states = {one["id"]: one["status"] for one in (await ours.data(LIST))["nodes"]}
    assert states == {
        open_["id"]: "OPEN",
        use["id"]: "USED",
        withdraw["id"]: "WITHDRAWN",
        short["id"]: "OPEN",
    }
    for status in ("OPEN", "USED", "WITHDRAWN", "EXPIRED"):
        listed = [one["id"] for one in (await ours.data(LIST, s=status))["nodes"]]
        assert sorted(listed) == sorted(id for id, is_ in states.items() if is_ == status)


async def test_what_a_claim_was_at_a_moment_goes_by_the_clock_of_then(ours: Client) -> None:
    (claim,) = await issued(ours)
    before = int((await ours.data("{ system { head } }"))["head"])
    await used(ours, claim["id"])
    then = await ours.data(LIST, at={"position": before})
    assert [one["status"] for one in then["nodes"]] == ["OPEN"]
    now = await ours.data(LIST)
    assert [one["status"] for one in now["nodes"]] == ["USED"]
    assert (await ours.data(LIST, s="OPEN", at={"position": before}))["nodes"] == then["nodes"]


async def test_a_claim_whose_time_is_over_is_expired(ours: Client) -> None:
    """Its time is the database's: one that was issued long ago is made as it was then."""
    platform = ours.context.platform

    def issue() -> int:
        past = datetime.now(UTC) - timedelta(days=2)
        with acting(Cause(ours.tenant_id, "key:test", "request:1", "1")):
            return platform.log.save(
                DeviceClaim.issue(uuid4(), "ab" * 32, past, {}, None, None, "")
            )

    await ours.context.waiter.reached(await anyio.to_thread.run_sync(issue), VIEWS)
    for status in (None, "EXPIRED"):
        assert [one["status"] for one in (await ours.data(LIST, s=status))["nodes"]] == ["EXPIRED"]
    assert (await ours.data(LIST, s="OPEN"))["nodes"] == []
    head = int((await ours.data("{ system { head } }"))["head"])
    at = {"position": head}
    assert len((await ours.data(LIST, s="EXPIRED", at=at))["nodes"]) == 1
    assert (await ours.data(LIST, s="OPEN", at=at))["nodes"] == []


async def test_a_used_claim_cannot_be_withdrawn(ours: Client) -> None:
    (claim,) = await issued(ours)
    await used(ours, claim["id"])
    payload = await ours.data(WITHDRAW, c=claim["id"])
    assert payload["userErrors"] == [{"field": "deviceClaimId", "code": "INVALID_STATE"}]


async def test_the_same_request_again_shows_the_claims_without_their_codes(ours: Client) -> None:
    first = await issued(ours, n=2, key="once")
    again = await issued(ours, n=2, key="once")
    assert [claim["id"] for claim in again] == [claim["id"] for claim in first]
    assert [claim["code"] for claim in again] == [None, None]
    assert len((await ours.data(LIST))["nodes"]) == 2
    payload = await ours.data(ISSUE, n=3, key="once")
    assert payload["userErrors"][0]["code"] == "IDEMPOTENCY_MISMATCH"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"n": 0}, "count"),
        ({"n": 1001}, "count"),
        ({"n": -(2**31)}, "count"),
        ({"s": 0}, "expiresIn"),
        ({"s": 59}, "expiresIn"),
        ({"s": 2**31 - 1}, "expiresIn"),
        ({"labels": [{"name": "Site", "value": "x"}]}, "labels"),
        ({"labels": [{"name": "site", "value": "\u202e"}]}, "labels.site"),
        ({"labels": [{"name": "a", "value": "x"}, {"name": "a", "value": "x"}]}, "labels"),
        ({"group": ""}, "group"),
        ({"key": ""}, "idempotencyKey"),
    ],
)
async def test_what_cannot_be_issued_is_refused_by_its_field(
    ours: Client, given: dict[str, Any], field: str
) -> None:
    payload = await ours.data(ISSUE, **given)
    error = payload["userErrors"][0]
    assert (error["code"], error["field"]) == ("INVALID", field)
    assert payload["claims"] is None
    assert (await ours.data(LIST))["nodes"] == []


async def test_a_viewer_neither_sees_nor_issues_claims(ours: Client) -> None:
    (claim,) = await issued(ours)
    viewer, operator = ours.as_role(Role.VIEWER), ours.as_role(Role.OPERATOR)
    assert (await viewer.ask(LIST)).code == "FORBIDDEN"
    assert (await viewer.data(ISSUE))["userErrors"][0]["code"] == "FORBIDDEN"
    assert (await viewer.data(WITHDRAW, c=claim["id"]))["userErrors"][0]["code"] == "FORBIDDEN"
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert await viewer.data(node, id=claim["id"]) is None
    assert (await operator.data(node, id=claim["id"]))["id"] == claim["id"]
    assert len((await operator.data(LIST))["nodes"]) == 1


async def test_another_tenants_claims_are_not_there(world: World) -> None:
    (claim,) = await issued(world.theirs)
    assert (await world.ours.data(LIST))["nodes"] == []
    payload = await world.ours.data(WITHDRAW, c=claim["id"])
    assert payload["userErrors"] == [{"field": "deviceClaimId", "code": "NOT_FOUND"}]


async def test_why_a_claim_is_as_it_is_is_told(ours: Client) -> None:
    (claim,) = await issued(ours)
    await ours.data(WITHDRAW, c=claim["id"])
    why = await ours.data("query ($id: ID!) { why(id: $id) { explanation } }", id=claim["id"])
    assert "issued a claim, with which one device may join." in why["explanation"]
    assert "withdrew the claim." in why["explanation"]
