"""A gateway without a broker: messages go in, and what it would publish comes out."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from application.commands.command import Request
from application.commands.device_claim import issue_device_claims
from application.device_access import DeviceAccess, Joined
from application.gateway.delivering import Delivering
from application.gateway.dropping import Drops
from application.gateway.hearing import Hearing
from application.gateway.telling import Message, Telling
from application.platform import Platform
from application.views.registry import VIEWS
from domain.cause import Cause, acting
from domain.device import Device
from domain.principal import Principal, Role
from edge.protocol.envelope import Envelope, decoded, encoded
from edge.protocol.topics import Address, Said
from infrastructure.event_store.mapper import TypedMapper
from infrastructure.following.follower import Follower
from infrastructure.following.projection import Projection
from infrastructure.pki.authority import Authority
from infrastructure.pki.memory import memory_authority
from infrastructure.postgres.database import Database
from infrastructure.postgres.device_calls import PostgresDeviceCalls
from infrastructure.postgres.device_claims import PostgresDeviceClaims
from infrastructure.postgres.device_outbox import PostgresDeviceOutbox
from infrastructure.postgres.device_sessions import PostgresDeviceSessions
from infrastructure.postgres.device_upkeep import PostgresDeviceUpkeep
from infrastructure.postgres.telemetry import PostgresTelemetry
from tests.application.conftest import platform as platform
from tests.application.conftest import tenant as tenant


class Cutting:
    """A broker that remembers what it was asked."""

    def __init__(self) -> None:
        self.kept_out: list[str] = []
        self.cut: list[str] = []

    def keep_out(self, serials: Any) -> None:
        self.kept_out = list(serials)

    def cut_off(self, user_name: str) -> None:
        self.cut.append(user_name)


@dataclass
class World:
    """The gateway, what it dropped, and the means to bring devices into a tenant."""

    platform: Platform
    database: Database
    tenant: UUID
    authority: Authority
    access: DeviceAccess
    hearing: Hearing
    delivering: Delivering
    broker: Cutting
    dropped: Counter[str] = field(default_factory=Counter)

    def request(self, key: str | None = None) -> Request:
        principal = Principal(self.tenant, "key:test", Role.OWNER)
        return Request(principal, idempotency_key=key)

    def code(self, **asked: Any) -> str:
        """A new claim's code, that its view shows."""
        given = {
            "count": 1, "lifetime": timedelta(hours=1), "labels": {}, "group": None,
            "profile_id": None, **asked,
        }  # fmt: skip
        (claim,) = issue_device_claims(self.platform, self.request(), **given).claims
        self.catch_up()
        assert claim.code is not None
        return claim.code

    def joined(self, host: str = "pi") -> "Talking":
        """A device with its first certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        joined = self.access.join(self.code(), signing_request(key), {"host": host}, "1")
        self.catch_up()
        return Talking(self, joined, key)

    def catch_up(self) -> None:
        """Every view shows all that happened."""
        for view in VIEWS:
            follower = Follower(self.database, Projection(view), TypedMapper())
            follower.step()  # the first one makes its row
            while follower.step():
                pass

    def device(self, address: Address) -> Device:
        with acting(Cause(address.tenant, "test", "test", "test")):
            device = self.platform.log.find(Device, address.device)
        assert device is not None
        return device


@dataclass
class Talking:
    """A device's side, by its topics alone."""

    world: World
    joined: Joined
    key: ec.EllipticCurvePrivateKey
    boot_id: UUID = field(default_factory=uuid4)
    seq: int = 0

    @property
    def address(self) -> Address:
        return self.joined.address

    @property
    def now(self) -> Device:
        return self.world.device(self.address)

    def says(
        self, kind: Said, body: dict[str, Any], command: UUID | None = None, retained: bool = False
    ) -> list[tuple[str, dict[str, Any]]]:
        """What is answered: the ends of topics and the bodies."""
        self.seq += 1
        sent = encoded(Envelope(self.boot_id, self.seq, 1e9, body))
        answers = self.world.hearing.hear(self.address.said(kind, command), sent, retained)
        return [self.read(answer) for answer in answers]

    def is_born(self, retained: bool = False, **more: object) -> list[tuple[str, dict[str, Any]]]:
        body = {"online": True, "agent": "0.1.0", "facts": {"host": "pi"}, **more}
        return self.says(Said.STATE, body, retained=retained)

    def read(self, message: Message) -> tuple[str, dict[str, Any]]:
        assert message.topic.startswith(f"{self.address.root}/")
        end = message.topic.removeprefix(f"{self.address.root}/")
        return end, dict(decoded(message.payload).body)


def signing_request(key: ec.EllipticCurvePrivateKey) -> bytes:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "device")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture
def world(platform: Platform, database: Database, tenant: UUID) -> World:
    authority, broker, dropped = memory_authority(), Cutting(), Counter[str]()
    telling = Telling(authority.statement_key())
    count: Callable[[str], None] = lambda reason: dropped.update([reason])  # noqa: E731
    upkeep = PostgresDeviceUpkeep(database)
    return World(
        platform,
        database,
        tenant,
        authority,
        DeviceAccess(
            platform, PostgresDeviceClaims(database), PostgresDeviceCalls(database), authority
        ),
        Hearing(
            platform,
            PostgresDeviceSessions(database),
            PostgresTelemetry(database),
            telling,
            Drops(count),
        ),
        Delivering(platform, PostgresDeviceOutbox(database), upkeep, telling, broker),
        broker,
        dropped,
    )
