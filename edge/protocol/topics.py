"""The topics of one device: `edgewise/v1/{tenant}/{device}/…`.

The broker's user name of a device is `{tenant}/{device}`, from its certificate, so that one static
pattern (`edgewise/v1/%u/…`) keeps every device in its own topics. What a device may write and what
the platform writes never overlap. Both ids are written in base 32 there (RFC 4648, lower case,
without padding, 26 characters each), because a common name holds 64 characters (RFC 5280).
"""

import base64
import re
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

ROOT = "edgewise/v1"
_SHORT = "([a-z2-7]{26})"
_TOPIC = re.compile(f"{ROOT}/{_SHORT}/{_SHORT}/(.+)")
_UUID = "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_RESPONSE = re.compile(f"command/{_UUID}/response")
_STATUS = re.compile(f"update/{_UUID}/status")


class UnknownTopic(ValueError):
    """Not a topic that a device writes."""


class Said(StrEnum):
    """What a device writes, all of it with QoS 1."""

    STATE = "state"
    """Retained: birth, and the will with the same boot_id."""
    HEARTBEAT = "heartbeat"
    REPORTED = "twin/reported"
    TWIN_WANTED = "twin/get"
    TELEMETRY_SYS = "telemetry/sys"
    TELEMETRY_MODEL = "telemetry/model"
    TELEMETRY_LOG = "telemetry/log"
    RESPONSE = "command/response"
    """On `command/{id}/response`."""
    UPDATE_WANTED = "update/next"
    UPDATE_STATUS = "update/status"
    """On `update/{id}/status`."""


TELEMETRY = (Said.TELEMETRY_SYS, Said.TELEMETRY_MODEL, Said.TELEMETRY_LOG)


@dataclass(frozen=True, slots=True)
class Address:
    """One device of one tenant."""

    tenant: UUID
    device: UUID

    @property
    def user_name(self) -> str:
        """At the broker, and the common name of its certificate."""
        return f"{_short(self.tenant)}/{_short(self.device)}"

    @property
    def client_id(self) -> str:
        """At the broker. Some take no slash in it; some put the user name in its place, so that no
        device can take over another's session."""
        return self.user_name.replace("/", "-")

    @property
    def root(self) -> str:
        return f"{ROOT}/{self.user_name}"

    def said(self, kind: Said, of: UUID | None = None) -> str:
        """The topic that the device writes to; a response names its command, a status its
        update."""
        match kind:
            case Said.RESPONSE:
                return f"{self.root}/command/{of}/response"
            case Said.UPDATE_STATUS:
                return f"{self.root}/update/{of}/status"
        return f"{self.root}/{kind}"

    @property
    def delta(self) -> str:
        """Platform to device: what is desired, whole, with its version."""
        return f"{self.root}/twin/delta"

    @property
    def taken(self) -> str:
        """Platform to device: which telemetry is durable at the platform, so that the device may
        forget it. A broker's own acknowledgement never means that."""
        return f"{self.root}/telemetry/taken"

    @property
    def clock(self) -> str:
        """Platform to device: the time, signed, in answer to every birth."""
        return f"{self.root}/clock"

    def request(self, command: UUID | str) -> str:
        """Platform to device: a signed command; never retained. `+` for all of them."""
        return f"{self.root}/command/{command}/request"

    @property
    def notify(self) -> str:
        """Platform to device: its one current offer, signed, or that there is none."""
        return f"{self.root}/update/notify"

    @property
    def heard(self) -> tuple[str, ...]:
        """What a device subscribes to."""
        return (self.delta, self.taken, self.clock, self.notify, self.request("+"))


_WITH_ID = {Said.RESPONSE: "command/+/response", Said.UPDATE_STATUS: "update/+/status"}
_PLAIN = frozenset(kind for kind in Said if kind not in _WITH_ID)
HEARD_FROM_ALL = tuple(f"{ROOT}/+/+/{_WITH_ID.get(kind, kind)}" for kind in Said)
"""What the platform subscribes to."""


def address_of(user_name: str) -> Address:
    """Raises ValueError."""
    tenant, _, device = user_name.partition("/")
    return Address(_full(tenant), _full(device))


def parsed(topic: str) -> tuple[Address, Said, UUID | None]:
    """Who wrote here, what it is, and the command or update that it is of. Raises UnknownTopic."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        raise UnknownTopic(topic[:200])
    try:
        address, rest = Address(_full(found[1]), _full(found[2])), found[3]
    except ValueError:
        raise UnknownTopic(topic[:200]) from None
    if answered := _RESPONSE.fullmatch(rest):
        return address, Said.RESPONSE, UUID(answered[1])
    if reported := _STATUS.fullmatch(rest):
        return address, Said.UPDATE_STATUS, UUID(reported[1])
    if rest in _PLAIN:
        return address, Said(rest), None
    raise UnknownTopic(topic[:200])


def _short(id: UUID) -> str:
    return base64.b32encode(id.bytes).decode().rstrip("=").lower()


def _full(short: str) -> UUID:
    """Raises ValueError, also for another spelling of the same bytes."""
    id = UUID(bytes=base64.b32decode(short.upper() + "======"))
    if _short(id) != short:
        raise ValueError(f"{short[:40]!r} is no id in base 32")
    return id
