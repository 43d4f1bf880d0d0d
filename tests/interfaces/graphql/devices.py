"""Devices for tests of GraphQL: joined as the platform lets them in, speaking as the gateway hears
them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import anyio.to_thread

from application.commands.command import Request
from application.commands.device import NAME_KIND
from application.commands.device_reports import answer_command, come_online, go_offline, report_twin
from application.commands.reservation import reserve_name
from domain.cause import Cause, acting
from domain.device import Device
from domain.device_certificate import Certificate
from domain.device_description import Description
from domain.device_presence import OfflineReason
from domain.principal import device as device_principal
from edge.protocol.commands import Answer, AnswerStatus
from interfaces.graphql.node import global_id, parsed_any_id
from tests.interfaces.graphql.client import Client

FAR = datetime(2200, 1, 1, tzinfo=UTC)
VIEWS = ("devices", "device_certificates", "device_commands", "device_claims")


async def device(
    client: Client,
    name: str = "lamp",
    labels: dict[str, str] | None = None,
    group: str | None = None,
    profile_id: UUID | None = None,
) -> str:
    """The id of a device that has joined and has a certificate."""
    platform, tenant, id = client.context.platform, client.tenant_id, uuid4()

    def join() -> int:
        with acting(Cause(tenant, "key:test", "request:1", "1")):
            made = Device.register(
                id, uuid4(), Description(name, labels or {}, group, profile_id), {"cpu": "arm"}
            )
            made.certify(Certificate(id.hex, "ab" * 32, FAR))
            return platform.log.save(
                made, reserve_name(platform, tenant, NAME_KIND, made.description.name, id)
            )

    position = await anyio.to_thread.run_sync(join)
    await client.context.waiter.reached(position, VIEWS)
    return global_id("Device", id)


class Speaking:
    """What a device says of itself; each call returns when reads show it."""

    def __init__(self, client: Client, id: str) -> None:
        self._client, self.id = client, parsed_any_id(id, "id")[1]
        self.boot = uuid4()

    async def online(self, **facts: Any) -> None:
        self.boot = uuid4()
        await self._say(come_online, boot_id=self.boot, agent="0.1.0", facts=facts)

    async def offline(self) -> None:
        await self._say(go_offline, boot_id=self.boot, reason=OfflineReason.LOST)

    async def report(self, version: int, **document: Any) -> None:
        await self._say(report_twin, version=version, reported=document)

    async def answer(self, command: str, status: AnswerStatus, **result: Any) -> None:
        error = None if status is AnswerStatus.SUCCEEDED else "it did not work"
        id = parsed_any_id(command, "id")[1]
        await self._say(answer_command, command_id=id, answer=Answer(status, result, error))

    async def _say(self, command: Any, **inputs: Any) -> None:
        context = self._client.context
        request = Request(device_principal(self._client.tenant_id, self.id))
        await anyio.to_thread.run_sync(lambda: command(context.platform, request, **inputs))
        head = await context.present.reads.head()
        await context.waiter.reached(head, VIEWS)
