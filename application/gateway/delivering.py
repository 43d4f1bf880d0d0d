"""What waits in the outbox for devices: made a message, or done at the broker."""

from collections.abc import Sequence
from uuid import UUID

from application.commands.command import Request, cause_of
from application.gateway.offering import current_offer
from application.gateway.telling import Message, Telling
from application.platform import Platform
from application.ports.brokers import Broker
from application.ports.device_outbox import DeviceOutbox, Due
from application.ports.device_upkeep import DeviceUpkeep
from domain.cause import acting
from domain.device import Device
from domain.principal import system
from edge.protocol.topics import Address


class Delivering:
    """`broker` is None where there is nothing to keep a device out of: the gateway itself drops
    what it says."""

    def __init__(
        self,
        platform: Platform,
        outbox: DeviceOutbox,
        upkeep: DeviceUpkeep,
        telling: Telling,
        broker: Broker | None,
    ) -> None:
        self._platform, self._outbox, self._upkeep = platform, outbox, upkeep
        self._telling, self._broker = telling, broker

    def due(self, most: int) -> list[Due]:
        return list(self._outbox.due(most))

    def message(self, due: Due) -> Message | None:
        """What is to be published; None where there is nothing to say, or it was done here. May
        block on the broker. Raises BrokerUnreachable."""
        address = Address(due.tenant_id, due.device_id)
        if "cut_off" in due.payload:
            if self._broker is not None:
                _cut_off(self._broker, address.user_name, self._upkeep.revoked_serials())
            return None
        device = self._device(due)
        if device is None or device.decommissioned:
            return None
        now = self._platform.now()
        if "twin" in due.payload:
            return self._telling.delta(address, device, now)
        if "update" in due.payload:
            with acting(cause_of(Request(system(due.tenant_id)))):
                offer = current_offer(self._platform, device, now)
            return self._telling.update(address, offer, now)
        sent = device.commands.get(str(UUID(due.payload["command"])))
        return self._telling.command(address, sent, now) if sent and sent.expires_at > now else None

    def done(self, due: Due) -> None:
        self._outbox.done(due)

    def _device(self, due: Due) -> Device | None:
        with acting(cause_of(Request(system(due.tenant_id)))):
            return self._platform.log.find(Device, due.device_id)


def _cut_off(broker: Broker, user_name: str, revoked: Sequence[str]) -> None:
    """Out first, so that it does not come in again; its session ends also where that failed."""
    try:
        broker.keep_out(revoked)
    finally:
        broker.cut_off(user_name)
