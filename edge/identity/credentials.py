"""The identity and key in use, which a renewal replaces while the agent runs, and calls signed by
them."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from edge.clock import DeviceClock
from edge.identity.identity import Identity
from edge.protocol.calls import authorization


class Credentials:
    def __init__(
        self, identity: Identity, key: EllipticCurvePrivateKey, clock: DeviceClock
    ) -> None:
        self._identity, self._key, self._clock = identity, key, clock

    @property
    def identity(self) -> Identity:
        return self._identity

    def replace(self, identity: Identity, key: EllipticCurvePrivateKey) -> None:
        self._identity, self._key = identity, key

    def url(self, path: str) -> str:
        """Of the platform."""
        return f"{self._identity.server}{path}"

    def signed_call(self, method: str, path: str) -> Mapping[str, str]:
        """Headers of one call, signed now; `path` as after the platform's URL."""
        identity = self._identity
        whole = urlsplit(self.url(path)).path
        header = authorization(
            identity.address, identity.serial, method, whole, self._clock.now(), self._key
        )
        return {"Authorization": header}
