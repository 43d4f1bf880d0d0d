"""Members: invited once, changed and removed by owners; and every refusal of that is on record."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from application.commands.member import accept_invitation, open_invitation
from application.commands.user import add_user, erase_user
from application.platform import Platform
from application.ports.listening import ACCESS
from domain.principal import Principal, Role
from domain.refusal import Refusal, RefusalCode
from domain.user import User
from tests.interfaces.graphql.client import Client
from tests.interfaces.graphql.world import World
from tests.patience import eventually

INVITE = """mutation ($email: String!, $role: Role!, $key: String) {
  memberInvite(email: $email, role: $role, idempotencyKey: $key) {
    invitation { id email role status invitedBy } url eventPosition
    userErrors { field message code } } }"""
WITHDRAW = """mutation ($id: ID!) { invitationWithdraw(invitationId: $id) {
  invitation { status email } userErrors { field code } } }"""
ROLE = """mutation ($user: ID!, $role: Role!) { memberRoleChange(userId: $user, role: $role) {
  member { userId role } eventPosition userErrors { field code } } }"""
REMOVE = """mutation ($user: ID!) { memberRemove(userId: $user) {
  member { userId } eventPosition userErrors { field code message } } }"""
LEAVE = "mutation { memberLeave { eventPosition userErrors { field code } } }"
MEMBERS = """query ($p: BigInt) { members(first: 10, waitFor: $p) {
  nodes { userId name email role } } }"""
INVITATIONS = "{ invitations(first: 10) { nodes { email role status acceptedBy } } }"
EVENTS = "{ events(first: 100) { nodes { topic actor data } } }"
PASSWORD = "correct horse battery staple"


def secret_in(url: str) -> str:
    return parse_qs(urlsplit(url).query)["token"][0]


async def joined(owner: Client, email: str, role: Role) -> tuple[User, Client]:
    """A new user who took an invitation, and a client of theirs."""
    platform = owner.context.platform
    invited = await owner.data(INVITE, email=email, role=role)
    assert not invited["userErrors"]
    user = add_user(platform, email=email, name=email.partition("@")[0], password=PASSWORD)
    position = accept_invitation(platform, open_invitation(platform, secret_in(invited["url"])),
                                 user.id)  # fmt: skip
    await owner.context.waiter.reached(position, ["tenants", "invitations"])
    return user, as_user(owner, user, role)


def as_user(client: Client, user: User, role: Role) -> Client:
    principal = Principal(
        client.tenant_id, f"user:{user.id}", role, session_id=uuid4(), user_id=user.id
    )
    return client.with_principal(principal)


async def test_an_invited_user_becomes_a_member(ours: Client) -> None:
    user, member = await joined(ours, "ada@example.com", Role.OPERATOR)
    listed = (await ours.data(MEMBERS))["nodes"]
    assert listed == [
        {"userId": str(user.id), "name": "ada", "email": "ada@example.com", "role": "OPERATOR"}
    ]
    assert (await ours.data(INVITATIONS))["nodes"] == [
        {"email": None, "role": "OPERATOR", "status": "ACCEPTED", "acceptedBy": str(user.id)}
    ]
    viewer = await member.data("{ viewer { actor role tenant { name } } }")
    assert viewer == {"actor": f"user:{user.id}", "role": "OPERATOR", "tenant": {"name": "Ours"}}


async def test_an_address_is_shown_to_owners_and_to_whom_it_belongs(ours: Client) -> None:
    await joined(ours, "ada@example.com", Role.OPERATOR)
    _, bob = await joined(ours, "bob@example.com", Role.VIEWER)
    shown = {row["name"]: row["email"] for row in (await bob.data(MEMBERS))["nodes"]}
    assert shown == {"ada": None, "bob": "bob@example.com"}


async def test_no_event_holds_what_is_personal(ours: Client) -> None:
    await joined(ours, "ada.personal@example.com", Role.OPERATOR)
    await ours.data(INVITE, email="bob.personal@example.com", role="VIEWER")
    with ours.context.platform.people.sessions._database.system() as connection:  # type: ignore[attr-defined]
        rows = connection.execute("SELECT state FROM events").fetchall()
    told = b" ".join(bytes(row["state"]) for row in rows).lower()
    for word in (b"personal", b"example.com", b"argon2", b"ewi_"):
        assert word not in told


async def test_an_invitation_shows_its_link_once(ours: Client) -> None:
    first = await ours.data(INVITE, email="ada@example.com", role="VIEWER", key="k")
    again = await ours.data(INVITE, email="ADA@example.com", role="VIEWER", key="k")
    assert again["invitation"] == first["invitation"]
    assert (first["url"] is None, again["url"]) == (False, None)
    for changed in ({"email": "bob@example.com", "role": "VIEWER"},
                    {"email": "ada@example.com", "role": "OWNER"}):  # fmt: skip
        other = await ours.data(INVITE, **changed, key="k")
        assert other["userErrors"][0]["code"] == "IDEMPOTENCY_MISMATCH"


async def test_a_link_is_good_once_and_not_after_it_was_withdrawn(ours: Client) -> None:
    platform = ours.context.platform
    invited = await ours.data(INVITE, email="ada@example.com", role="VIEWER")
    invitee = open_invitation(platform, secret_in(invited["url"]))
    ada = add_user(platform, email="ada@example.com", name="Ada", password=PASSWORD)
    bob = add_user(platform, email="bob@example.com", name="Bob", password=PASSWORD)
    accept_invitation(platform, invitee, ada.id)
    accept_invitation(platform, invitee, ada.id)
    with pytest.raises(Refusal):
        accept_invitation(platform, invitee, bob.id)
    with pytest.raises(Refusal):
        open_invitation(platform, secret_in(invited["url"]))
    other = await ours.data(INVITE, email="bob@example.com", role="VIEWER")
    gone = await ours.data(WITHDRAW, id=other["invitation"]["id"])
    assert gone == {"invitation": {"status": "WITHDRAWN", "email": None}, "userErrors": []}
    with pytest.raises(Refusal) as refused:
        open_invitation(platform, secret_in(other["url"]))
    assert refused.value.code is RefusalCode.INVALID_STATE


async def test_a_removed_member_does_not_come_back_by_the_old_link(ours: Client) -> None:
    platform = ours.context.platform
    invited = await ours.data(INVITE, email="ada@example.com", role="VIEWER")
    invitee = open_invitation(platform, secret_in(invited["url"]))
    ada = add_user(platform, email="ada@example.com", name="Ada", password=PASSWORD)
    accept_invitation(platform, invitee, ada.id)
    await ours.data(REMOVE, user=str(ada.id))
    with pytest.raises(Refusal):
        accept_invitation(platform, invitee, ada.id)


async def test_an_old_invitation_is_not_open(ours: Client) -> None:
    invited = await ours.data(INVITE, email="ada@example.com", role="VIEWER")
    platform = ours.context.platform
    later = replace(platform, now=lambda: platform.now() + timedelta(days=8))
    with pytest.raises(Refusal):
        open_invitation(later, secret_in(invited["url"]))


@pytest.mark.parametrize(
    ("email", "role"), [("nonsense", "VIEWER"), ("a\0b@example.com", "OWNER"), ("", "OPERATOR")]
)
async def test_what_is_no_address_is_refused_by_field(ours: Client, email: str, role: str) -> None:
    refused = await ours.data(INVITE, email=email, role=role)
    assert refused["userErrors"][0]["field"] == "email"


async def test_the_last_owner_stays_one(ours: Client) -> None:
    ada, owner = await joined(ours, "ada@example.com", Role.OWNER)
    for asked in (ours.data(ROLE, user=str(ada.id), role="VIEWER"),
                  ours.data(REMOVE, user=str(ada.id)), owner.data(LEAVE)):  # fmt: skip
        assert (await asked)["userErrors"][0] | {"message": ""} == {
            "field": "userId", "code": "INVALID_STATE", "message": "",
        }  # fmt: skip
    bob, _ = await joined(ours, "bob@example.com", Role.OWNER)
    assert (await owner.data(LEAVE))["userErrors"] == []
    refused = await ours.data(REMOVE, user=str(bob.id))
    assert refused["userErrors"][0]["code"] == "INVALID_STATE"


async def test_a_member_who_is_gone_or_changed_is_told_on_the_channel(world: World) -> None:
    told: list[str | None] = []
    world.context.listener.subscribe(ACCESS, told.append)
    ours = world.ours
    ada, _ = await joined(ours, "ada@example.com", Role.VIEWER)
    changed = await ours.data(ROLE, user=str(ada.id), role="OPERATOR")
    assert changed["member"] == {"userId": str(ada.id), "role": "OPERATOR"}
    await ours.data(ROLE, user=str(ada.id), role="OPERATOR")
    await ours.data(REMOVE, user=str(ada.id))
    expected = [f"user {ada.id} {ours.tenant_id}"] * 2
    await asyncio.to_thread(
        eventually, lambda: [word for word in told if word is not None] == expected
    )


async def test_other_tenants_know_nothing_of_a_member(world: World) -> None:
    ada, _ = await joined(world.ours, "ada@example.com", Role.VIEWER)
    assert (await world.theirs.data(MEMBERS))["nodes"] == []
    for document, variables in ((ROLE, {"role": "OWNER"}), (REMOVE, {})):
        answer = await world.theirs.data(document, user=str(ada.id), **variables)
        assert answer.get("member") is None
    assert len((await world.ours.data(MEMBERS))["nodes"]) == 1
    invited = await world.ours.data(INVITE, email="bob@example.com", role="VIEWER")
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert await world.theirs.data(node, id=invited["invitation"]["id"]) is None
    assert (await world.ours.data(node, id=invited["invitation"]["id"])) is not None
    gone = await world.theirs.data(WITHDRAW, id=invited["invitation"]["id"])
    assert gone["userErrors"] == [{"field": "invitationId", "code": "NOT_FOUND"}]


async def refusals(client: Client) -> list[dict[str, Any]]:
    nodes = (await client.data(EVENTS))["nodes"]
    return [node for node in nodes if node["topic"].startswith("access-refused.")]


async def test_every_refusal_of_an_owners_act_is_an_event(ours: Client) -> None:
    ada, operator = await joined(ours, "ada@example.com", Role.OPERATOR)
    acts = {
        "memberInvite": operator.data(INVITE, email="x@example.com", role="OWNER"),
        "memberRemove": operator.data(REMOVE, user=str(ada.id)),
        "memberRoleChange": operator.data(ROLE, user=str(ada.id), role="OWNER"),
        "apiKeyIssue": operator.data(
            'mutation { apiKeyIssue(label: "x", role: OWNER) { userErrors { code } } }'
        ),
        "apiKeyRevoke": operator.data(
            "mutation ($id: ID!) { apiKeyRevoke(apiKeyId: $id) { userErrors { code } } }",
            id=str(uuid4()),
        ),
        "tenantRegister": operator.data(
            'mutation { tenantRegister(name: "x", plan: FREE) { userErrors { code } } }'
        ),
    }
    for asked in acts.values():
        assert (await asked)["userErrors"][0]["code"] == "FORBIDDEN"
    assert (await operator.ask("{ apiKeys(first: 1) { nodes { id } } }")).code == "FORBIDDEN"
    assert (await operator.ask(INVITATIONS)).code == "FORBIDDEN"
    found = {event["data"]["act"]: event for event in await refusals(ours)}
    assert set(found) == {*acts, "apiKeys", "invitations"}
    assert {event["actor"] for event in found.values()} == {f"user:{ada.id}"}
    expected = {"act": "memberRemove", "target": str(ada.id), "role": "OPERATOR"}
    expected |= {"needed": "OWNER", "needs_platform": False}
    assert expected.items() <= found["memberRemove"]["data"].items()
    assert "example.com" not in str(found)


async def test_an_owner_without_a_platform_key_is_on_record_too(ours: Client) -> None:
    await ours.data('mutation { tenantRegister(name: "x", plan: FREE) { userErrors { code } } }')
    (event,) = await refusals(ours)
    assert (event["data"]["act"], event["data"]["needs_platform"]) == ("tenantRegister", True)


async def test_the_log_cannot_be_filled_by_being_refused(ours: Client, platform: Platform) -> None:
    viewer = ours.as_role(Role.VIEWER)
    for number in range(60):
        await viewer.data(INVITE, email=f"{number}@example.com", role="VIEWER")
    before = await refusals(ours)
    assert 1 <= len(before) <= 2  # a minute may have turned
    platform.refused_acts.flush(everything=True)
    after = await refusals(ours)
    assert len(after) <= 2 * len(before)
    repeated = [event["data"]["times"] for event in after if event["topic"].endswith("repeated")]
    assert len(before) + sum(repeated) == 60


async def test_two_processes_record_a_refusal_once(ours: Client, platform: Platform) -> None:
    principal = Principal(ours.tenant_id, "key:x", Role.VIEWER)
    moment = platform.now()
    processes = [replace(platform, now=lambda: moment) for _ in range(3)]
    for process in processes:
        process.refused_acts.note(principal, "memberRemove", "request-1")
    assert len(await refusals(ours)) == 1
    for process in processes:
        process.refused_acts.flush(everything=True)
    told = await refusals(ours)
    assert sum(event["data"].get("times", 1) for event in told) == 3


async def test_an_erased_user_leaves_and_events_keep_the_id(ours: Client) -> None:
    platform = ours.context.platform
    ada, _ = await joined(ours, "ada@example.com", Role.OWNER)
    with pytest.raises(Refusal) as refused:
        erase_user(platform, ada.id)
    assert "Ours" in refused.value.message
    await joined(ours, "bob@example.com", Role.OWNER)
    erase_user(platform, ada.id)
    assert platform.people.table.by_email("ada@example.com") is None
    events = (await ours.data(EVENTS))["nodes"]
    left = [event["data"] for event in events if event["topic"] == "tenant.member-left"]
    assert [UUID(event["user_id"]) for event in left] == [ada.id]
    with pytest.raises(Refusal) as again:
        erase_user(platform, ada.id)
    assert again.value.code is RefusalCode.NOT_FOUND
