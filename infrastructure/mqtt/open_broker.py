"""Cutting devices off at a broker that knows no certificates: the embedded one, on the loopback
address, where everybody is let in."""

from collections.abc import Iterable

from application.ports.brokers import BrokerUnreachable
from edge.protocol.topics import address_of
from infrastructure.mqtt.address import BrokerAddress
from infrastructure.mqtt.hello import ACCEPTED, NoAnswer, say_hello


class OpenBroker:
    """Ends sessions. It can keep nobody out: what a revoked device says there is dropped by the
    gateway, and its calls over HTTPS are refused."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address

    def keep_out(self, serials: Iterable[str]) -> None:
        """There is no certificate to refuse."""

    def cut_off(self, user_name: str) -> None:
        try:
            code = say_hello(self._address, address_of(user_name).client_id)
        except NoAnswer as error:
            raise BrokerUnreachable(
                f"The broker at {self._address.url} did not end the session: {error}."
            ) from error
        if code != ACCEPTED:
            raise BrokerUnreachable(
                f"The broker at {self._address.url} did not end the session (code {code})."
            )
