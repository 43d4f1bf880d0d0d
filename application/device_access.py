"""How a device gets in: by a claim once, then by its certificate, of which a signed call over HTTPS
is proof (`edge.protocol.calls`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from application.commands.command import Request, cause_of, load, retrying
from application.commands.device import NAME_KIND, device_of
from application.commands.device_claim import hash_code
from application.commands.device_reports import checked_facts
from application.commands.reservation import reserve_name
from application.platform import Platform
from application.ports.certificates import CertificateAuthority, Issued
from application.ports.device_calls import DeviceCalls
from application.ports.device_claims import DeviceClaims
from domain.cause import acting
from domain.device import Device
from domain.device_certificate import Certificate
from domain.device_claim import DeviceClaim, no_open_claim
from domain.device_description import Description
from domain.naming import LONGEST_NAME, Name, checked_name
from domain.principal import device as device_principal
from domain.refusal import Refusal, RefusalCode, invalid
from edge.protocol.calls import CALL_SECONDS, called
from edge.protocol.signed import NotSigned, key_id
from edge.protocol.topics import Address

LONGEST_CODE = 100


@dataclass(frozen=True, slots=True)
class Joined:
    address: Address
    name: str
    certificate: Issued


@dataclass(frozen=True)
class DeviceAccess:
    """`lifetime` is that of a certificate."""

    platform: Platform
    claims: DeviceClaims
    calls: DeviceCalls
    authority: CertificateAuthority
    lifetime: timedelta = timedelta(days=30)

    def join(self, code: str, csr: bytes, facts: Mapping[str, Any], request_id: str) -> Joined:
        """Registers the device that this claim is for; the same code with the same key again gives
        the same device. Raises Refusal(INVALID_STATE or INVALID)."""
        found = self.claims.find(hash_code(code[:LONGEST_CODE]))
        if found is None:
            raise no_open_claim()
        tenant_id, claim_id = found
        return retrying(lambda: self._join(tenant_id, claim_id, csr, facts, request_id))

    def _join(
        self, tenant_id: UUID, claim_id: UUID, csr: bytes, facts: Mapping[str, Any], request_id: str
    ) -> Joined:
        device_id = DeviceClaim.device_of(claim_id)
        request = Request(device_principal(tenant_id, device_id), id=request_id)
        with acting(cause_of(request)):
            claim = load(self.platform, DeviceClaim, claim_id, "device claim", "code")
            address = Address(tenant_id, device_id)
            issued = self.authority.sign(csr, address.user_name, self.lifetime)
            claim.use(issued.key_id, self.platform.now())
            device = self.platform.log.find(Device, device_id)
            name = None
            if device is None:
                name = self._free_name(tenant_id, device_id, facts)
                device = _registered(claim, name[0], checked_facts(facts))
            device.certify(Certificate(issued.serial, issued.key_id, issued.not_after))
            self.platform.log.save(claim, device, *(name[1:] if name else ()))
        return Joined(address, device.description.name, issued)

    def renew(self, address: Address, csr: bytes, request_id: str) -> Issued:
        """The next certificate of a device that has called with one in force."""
        request = Request(device_principal(address.tenant, address.device), id=request_id)

        def certify() -> Issued:
            device = device_of(self.platform, address.device)
            issued = self.authority.sign(csr, address.user_name, self.lifetime)
            device.certify(Certificate(issued.serial, issued.key_id, issued.not_after))
            self.platform.log.save(device)
            return issued

        with acting(cause_of(request)):
            return retrying(certify)

    def caller(self, header: str, method: str, path: str) -> Address:
        """Who calls. Raises Refusal(UNAUTHENTICATED)."""
        try:
            call, key = called(header)
        except NotSigned as error:
            raise _unknown(str(error)) from None
        now = self.platform.now()
        if (call.method, call.path) != (method, path):
            raise _unknown("it is signed for another request")
        if abs(now.timestamp() - call.time) > CALL_SECONDS:
            raise _unknown("it is too old, or the device's clock is wrong")
        with acting(cause_of(Request(device_principal(call.address.tenant, call.address.device)))):
            device = self.platform.log.find(Device, call.address.device)
        if device is None or not device.valid(call.serial, key_id(key), now):
            raise _unknown("its certificate is not in force")
        taken_until = datetime.fromtimestamp(call.time + CALL_SECONDS, UTC)
        if not self.calls.take(f"{call.address.device}:{call.id[:100]}", taken_until):
            raise _unknown("it was made before")
        return call.address

    def _free_name(
        self, tenant_id: UUID, device_id: UUID, facts: Mapping[str, Any]
    ) -> tuple[str, Name]:
        """The host's name, with the beginning of the device's id where that is taken."""
        host, short = str(facts.get("host") or "device"), str(device_id)[:8]
        try:
            host = checked_name(host[: LONGEST_NAME - 9].strip())
        except Refusal:
            host = "device"
        for name in (host, f"{host}-{short}"):
            try:
                return name, reserve_name(self.platform, tenant_id, NAME_KIND, name, device_id)
            except Refusal as refusal:
                if refusal.code is not RefusalCode.NAME_TAKEN:
                    raise
        raise invalid("facts.host", f"There are two devices of the name {host}-{short}.")


def _registered(claim: DeviceClaim, name: str, facts: dict[str, Any]) -> Device:
    description = Description(name, claim.labels, claim.group, claim.profile_id)
    return Device.register(claim.device_id, claim.id, description, facts)


def _unknown(why: str) -> Refusal:
    return Refusal(
        RefusalCode.UNAUTHENTICATED,
        f"This call was not let in: {why}. A device that was cut off joins with a new claim.",
    )
