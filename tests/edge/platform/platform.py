"""A small platform that speaks the protocol, for tests of the device: one device, claim codes, a
twin, commands. Real HTTP, real certificates, a real broker.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.protocol.commands import Answer, Command, CommandKind
from edge.protocol.signed import CLOCK, COMMAND, signed
from edge.protocol.topics import Address
from tests.edge.platform.authority import Authority
from tests.edge.platform.over_http import OverHttp
from tests.edge.platform.over_mqtt import OverMqtt
from tests.edge.platform.releases import Releases
from tests.patience import eventually


@dataclass
class Device:
    address: Address
    csr: str
    certificate: str


class TestPlatform:
    """`offset`: seconds that its clock is ahead of this machine's."""

    __test__ = False

    def __init__(self, port: int) -> None:
        self.authority = Authority()
        self.key = Ed25519PrivateKey.generate()
        self.offset = 0.0
        self.codes: dict[str, Device | None] = {}
        self.device: Device = Device(Address(uuid4(), uuid4()), "", "")
        self.lifetime = (timedelta(days=-1), timedelta(days=30))
        self.desired: dict[str, Any] = {}
        self.version = 1
        self.reports: list[Mapping[str, Any]] = []
        self.reported_version = 0
        self.broker = f"mqtt://127.0.0.1:{port}"
        self.http = OverHttp(self)
        self.releases = Releases(self)
        self.mqtt = OverMqtt(self, port)

    def close(self) -> None:
        self.mqtt.close()
        self.http.close()

    @property
    def url(self) -> str:
        return self.http.url

    def now(self) -> float:
        return time.time() + self.offset

    def claim(self) -> str:
        code = secrets.token_hex(8)
        self.codes[code] = None
        return code

    def join(self, code: str, csr: str, facts: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        if code not in self.codes:
            return 404, {"error": {"code": "NOT_FOUND", "message": "No such claim."}}
        joined = self.codes[code]
        if joined and _public(joined.csr) != _public(csr):
            return 409, {"error": {"code": "CONFLICT", "message": "The claim was used."}}
        if joined is None:
            address = Address(uuid4(), uuid4())
            certificate = self.authority.device(csr, address.user_name, *self.lifetime)
            joined = self.codes[code] = self.device = Device(address, csr, certificate)
        return 200, {
            "tenant": str(joined.address.tenant),
            "device": str(joined.address.device),
            "name": "a test device",
            "certificate": joined.certificate,
            "authorities": self.authority.pem,
            "statement_key": self.statement_key,
            "broker": {"url": self.broker},
            "server_time": self.now(),
        }

    @property
    def statement_key(self) -> str:
        public = self.key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def renew(self, csr: str) -> str:
        self.device.certificate = self.authority.device(csr, self.device.address.user_name)
        return self.device.certificate

    def tell_time(self, address: Address, boot_id: UUID) -> None:
        statement = {
            "tenant": str(address.tenant),
            "device": str(address.device),
            "boot_id": str(boot_id),
            "time": self.now(),
        }
        self.mqtt.say(address.clock, {"statement": signed(CLOCK, statement, self.key)})

    def desire(self, desired: dict[str, Any]) -> None:
        self.desired, self.version = desired, self.version + 1
        self.send_delta(self.device.address)

    def send_delta(self, address: Address) -> None:
        body = {
            "version": self.version,
            "desired": self.desired,
            "reported_version": self.reported_version,
        }
        self.mqtt.say(address.delta, body)

    def take_report(self, body: Mapping[str, Any]) -> None:
        if body["version"] > self.reported_version:
            self.reported_version = body["version"]
            self.reports.append(body["reported"])

    def command(
        self, kind: CommandKind, arguments: Mapping[str, Any] | None = None, seconds: float = 3_600
    ) -> Command:
        """One for the device, not sent yet."""
        now = self.now()
        return Command(self.device.address, uuid4(), kind, arguments or {}, now, now + seconds)

    def send(self, command: Command, key: Ed25519PrivateKey | None = None) -> None:
        statement = signed(COMMAND, command.statement(), key or self.key)
        self.mqtt.say(self.device.address.request(command.id), {"statement": statement})

    def run(self, kind: CommandKind, arguments: Mapping[str, Any] | None = None) -> Answer:
        """The device's answer."""
        command = self.command(kind, arguments)
        self.send(command)
        return eventually(lambda: self.mqtt.answers.get(command.id, []))[0]

    def reported(self, look: Any) -> Mapping[str, Any]:
        """The newest report, once `look` finds it right."""
        return eventually(
            lambda: bool(self.reports) and look(self.reports[-1]) and self.reports[-1]
        )


def _public(csr: str) -> bytes:
    from cryptography import x509

    public = x509.load_pem_x509_csr(csr.encode()).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
