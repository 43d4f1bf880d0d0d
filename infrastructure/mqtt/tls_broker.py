"""Keeping devices out of a broker that lets them in by certificate, whichever broker it is.

That a revocation has arrived is not believed but seen: each list also revokes a certificate that is
made for this one purpose, and the platform tries to come in with it until it is refused.
"""

import ssl
import time
from collections.abc import Callable, Iterable

from cryptography import x509

from application.ports.brokers import BrokerUnreachable
from application.ports.certificates import BrokerAuthority
from infrastructure.mqtt.address import BrokerAddress
from infrastructure.mqtt.hello import ACCEPTED, NoAnswer, NotLetIn, say_hello
from infrastructure.mqtt.tls import client_context
from infrastructure.mqtt.trust_folder import TrustFolder
from infrastructure.pki.authority import STAND_IN_LIFETIME

CANARY = "edgewise-canary"
CANARY_SECONDS = STAND_IN_LIFETIME.total_seconds() / 2
"""How long one is asked with: later it might be refused for its age alone."""
SEEN_WITHIN = 30.0
"""Seconds within which a broker must have read a new list."""
LOOK_EVERY = 0.05


class TlsBroker:
    """`devices` is the listener for devices; `reload` tells the broker to read its trust anew, and
    does nothing where the broker looks by itself (deploy/mosquitto/run.sh)."""

    def __init__(
        self,
        devices: BrokerAddress,
        trust: TrustFolder,
        authority: BrokerAuthority,
        reload: Callable[[], None] = lambda: None,
        seen_within: float = SEEN_WITHIN,
    ) -> None:
        self._devices, self._trust, self._authority = devices, trust, authority
        self._reload, self._seen_within = reload, seen_within
        self._named: frozenset[int] = frozenset()
        self._canary: ssl.SSLContext | None = None
        self._until = 0.0

    def keep_out(self, serials: Iterable[str]) -> None:
        named = frozenset(int(one, 16) for one in serials)
        if self._canary is None or named != self._named or time.monotonic() > self._until:
            own = self._authority.stand_in(CANARY)
            serial = x509.load_pem_x509_certificate(own.certificate.encode()).serial_number
            self._trust.revoke([*named, serial])
            self._canary = client_context(self._authority.authorities(), own)
            self._named, self._until = named, time.monotonic() + CANARY_SECONDS
        self._reload()
        self._wait_until_refused(self._canary)

    def _wait_until_refused(self, canary: ssl.SSLContext) -> None:
        deadline, problem = time.monotonic() + self._seen_within, "still lets them in"
        while time.monotonic() < deadline:
            try:
                say_hello(self._devices, CANARY, canary)
                problem = "still lets them in"
            except NotLetIn:
                return
            except NoAnswer as error:
                problem = f"does not answer ({error})"
            time.sleep(LOOK_EVERY)
        raise BrokerUnreachable(
            f"Revoked certificates are listed in {self._trust.folder}, but the broker at "
            f"{self._devices.url} {problem}: see that it reads that folder, and is told to "
            "when it changes."
        )

    def cut_off(self, user_name: str) -> None:
        own = self._authority.stand_in(user_name)
        context = client_context(self._authority.authorities(), own)
        try:
            code = say_hello(self._devices, user_name, context, within=self._seen_within)
        except (NoAnswer, NotLetIn) as error:
            raise BrokerUnreachable(
                f"The broker at {self._devices.url} did not end the session: {error}."
            ) from error
        if code != ACCEPTED:
            raise BrokerUnreachable(
                f"The broker at {self._devices.url} did not end the session (code {code})."
            )
