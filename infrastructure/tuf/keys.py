"""Which keys sign a tenant's repository: securesystemslib's signers, wherever the keys are."""

from enum import StrEnum
from typing import Protocol
from uuid import UUID

from securesystemslib.signer import CryptoSigner, Signer


class KeyUse(StrEnum):
    """ROOT says which keys count; ONLINE signs targets, snapshot and timestamp."""

    ROOT = "root"
    ONLINE = "online"


class KeyStore(Protocol):
    """The keys of all tenants. All methods raise Refusal(UNAVAILABLE or INVALID), which says what
    is missing."""

    def current(self, tenant_id: UUID, use: KeyUse) -> Signer:
        """Made where there is none."""
        ...

    def next(self, tenant_id: UUID, use: KeyUse, uri: str | None) -> Signer:
        """A new one, which is the current one from then on."""
        ...

    def signer(self, tenant_id: UUID, key_id: str) -> Signer: ...

    def places(self, tenant_id: UUID) -> dict[str, str]:
        """Where each key is, by its id: a URI."""
        ...


class MemoryKeys:
    """Implements KeyStore, for as long as the process lives."""

    def __init__(self) -> None:
        self._signers: dict[tuple[UUID, str], Signer] = {}
        self._current: dict[tuple[UUID, KeyUse], Signer] = {}

    def current(self, tenant_id: UUID, use: KeyUse) -> Signer:
        return self._current.get((tenant_id, use)) or self.next(tenant_id, use, None)

    def next(self, tenant_id: UUID, use: KeyUse, uri: str | None) -> Signer:
        signer: Signer = CryptoSigner.generate_ed25519()
        self._signers[tenant_id, signer.public_key.keyid] = signer
        self._current[tenant_id, use] = signer
        return signer

    def signer(self, tenant_id: UUID, key_id: str) -> Signer:
        return self._signers[tenant_id, key_id]

    def places(self, tenant_id: UUID) -> dict[str, str]:
        return {key_id: "memory:" for tenant, key_id in self._signers if tenant == tenant_id}
