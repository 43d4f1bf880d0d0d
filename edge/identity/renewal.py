"""The renewal module: a new key and certificate well before the old one ends.

At two thirds of the certificate's life, by the corrected clock, and only when the platform has
signed the time: a wrong clock neither renews too often nor forgets to.
"""

import asyncio
import json
import logging
from collections.abc import Callable

from edge.clock import DeviceClock
from edge.home import Home
from edge.identity.credentials import Credentials
from edge.identity.identity import store
from edge.identity.keys import new_key, signing_request, unused_keys
from edge.link.https import Contexts, Unreachable, request

SHARE = 2 / 3
LOOKS_EVERY = 60.0
TRIES_EVERY = 600.0

log = logging.getLogger("edge.renewal")


class Renewal:
    """`renewed` is called when there is a new certificate."""

    def __init__(
        self,
        home: Home,
        credentials: Credentials,
        clock: DeviceClock,
        contexts: Contexts,
        renewed: Callable[[], None],
    ) -> None:
        self._home, self._credentials, self._clock = home, credentials, clock
        self._contexts, self._renewed = contexts, renewed
        self._wake = asyncio.Event()

    async def run(self) -> None:
        while True:
            if self._clock.sure and self.due():
                try:
                    await asyncio.to_thread(self.renew)
                except Unreachable as error:
                    log.warning("the certificate could not be renewed: %s", error)
                    await self._pause(TRIES_EVERY)
                    continue
                self._renewed()
            await self._pause(LOOKS_EVERY)

    def look(self) -> None:
        """The time has become known."""
        self._wake.set()

    async def _pause(self, seconds: float) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    def due(self) -> bool:
        begin, end = self._credentials.identity.valid
        return self._clock.now() > begin.timestamp() + SHARE * (end - begin).total_seconds()

    def renew(self) -> None:
        """Raises Unreachable, HomeError."""
        credentials = self._credentials
        key = new_key(self._home)
        answer = request(
            "POST",
            credentials.url("/devices/certificate"),
            self._contexts,
            json.dumps({"csr": signing_request(key)}).encode(),
            {
                "Content-Type": "application/json",
                **credentials.signed_call("POST", "/devices/certificate"),
            },
        )
        certificate = answer.document.get("certificate")
        if answer.status not in (200, 201) or not isinstance(certificate, str):
            raise Unreachable(f"the platform refused: {answer.said}")
        identity = credentials.identity.renewed(certificate, key)
        if problem := identity.problem():
            raise Unreachable(f"the certificate that came cannot be used: {problem}")
        store(self._home, identity)
        credentials.replace(identity, key)
        for file in unused_keys(self._home, identity.key):
            file.unlink(missing_ok=True)
        log.info("the certificate is renewed until %s", identity.valid[1])
