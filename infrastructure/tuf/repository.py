"""One tenant's repository in the hands of one writer: python-tuf's, over a shelf.

Consistent snapshots; every metadata names the next by version, length and sha256, and its tenant
(TENANT_FIELD). Everything is signed anew when half of its life has passed.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from securesystemslib.signer import Signer
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer
from tuf.repository import Repository

from application.ports.trusted_targets import SignedRole, Target, TrustRole, TrustState
from edge.protocol.updates import TENANT_FIELD, target_path
from infrastructure.tuf.key_uris import unavailable
from infrastructure.tuf.keys import KeyStore, KeyUse
from infrastructure.tuf.shelves import Shelf, Stored

LIFETIMES = {
    TrustRole.ROOT: timedelta(days=365),
    TrustRole.TARGETS: timedelta(days=90),
    TrustRole.SNAPSHOT: timedelta(days=7),
    TrustRole.TIMESTAMP: timedelta(days=1),
}
ONLINE = (TrustRole.TARGETS, TrustRole.SNAPSHOT, TrustRole.TIMESTAMP)
_COMPACT = JSONSerializer(compact=True)

Md = Metadata[Any]


class TenantRepository(Repository):
    """Nothing of it is seen by others before the shelf's writer is done. All methods raise
    Refusal(UNAVAILABLE) where a key cannot be had."""

    def __init__(
        self, tenant_id: UUID, shelf: Shelf, keys: KeyStore, now: Callable[[], datetime]
    ) -> None:
        self._tenant_id, self._shelf, self._keys, self._now = tenant_id, shelf, keys, now

    def begin(self) -> None:
        """Makes the first metadata of all roles where there is none."""
        if self._shelf.newest(TrustRole.ROOT) is not None:
            return
        with self.edit_root() as root:
            root.consistent_snapshot = True
            root.add_key(self._keys.current(self._tenant_id, KeyUse.ROOT).public_key, "root")
            online = self._keys.current(self._tenant_id, KeyUse.ONLINE).public_key
            for role in ONLINE:
                root.add_key(online, role)
        with self.edit_targets():
            pass
        self.do_snapshot()
        self.do_timestamp()

    def publish(self, targets: Iterable[Target]) -> None:
        with self.edit_targets() as signed:
            for one in targets:
                signed.targets[one.path] = TargetFile(one.bytes, {"sha256": one.sha256}, one.path)
        self.do_snapshot()
        self.do_timestamp()

    def withdraw(self, sha256s: Iterable[str]) -> None:
        with self.edit_targets() as signed:
            for one in sha256s:
                signed.targets.pop(target_path(one), None)
        self.do_snapshot()
        self.do_timestamp()

    def rotate(self, use: KeyUse, uri: str | None) -> None:
        """A new key in the place of the one in use, and what that one signed anew."""
        made = self._keys.next(self._tenant_id, use, uri).public_key
        with self.edit_root() as root:
            for role in (TrustRole.ROOT,) if use is KeyUse.ROOT else ONLINE:
                for key_id in list(root.get_delegated_role(role).keyids):
                    root.revoke_key(key_id, role)
                root.add_key(made, role)
        if use is KeyUse.ONLINE:
            with self.edit_targets():
                pass
            self.do_snapshot()
            self.do_timestamp()

    def renew_root(self) -> None:
        """Where it is due."""
        if self._due(TrustRole.ROOT):
            with self.edit_root():
                pass

    def renew(self) -> None:
        """The other three, each where it is due or names one that was."""
        if self._due(TrustRole.TARGETS):
            with self.edit_targets():
                pass
        self.do_snapshot(force=self._due(TrustRole.SNAPSHOT))
        self.do_timestamp(force=self._due(TrustRole.TIMESTAMP))

    def state(self) -> TrustState:
        root, keys = self.root(), self._keys.places(self._tenant_id)
        roles = []
        for role in TrustRole:
            signed, ids = self.open(role).signed, root.get_delegated_role(role).keyids
            roles.append(SignedRole(role, signed.version, signed.expires, tuple(ids)))
        return TrustState(self._tenant_id, self._shelf.count(), tuple(roles), keys)

    def open(self, role: str) -> Md:
        content = self._shelf.newest(TrustRole(role))
        if content is not None:
            return Metadata[Any].from_bytes(content)
        first: Md = Metadata(self._first(role))
        first.signed.version = 0  # which `close` counts up
        first.signed.unrecognized_fields[TENANT_FIELD] = str(self._tenant_id)
        return first

    def close(self, role: str, md: Md) -> None:
        known, now = TrustRole(role), self._now()
        md.signed.version += 1
        md.signed.expires = now + LIFETIMES[known]
        md.signatures.clear()
        for signer in self._signers(known, md):
            try:
                md.sign(signer, append=True)
            except UnsignedMetadataError as error:
                why = error.__cause__ or error
                raise unavailable(f"{role}: {type(why).__name__} {why}".strip()) from error
        content = md.to_bytes(_COMPACT)
        self._shelf.put(
            Stored(known, md.signed.version, content, md.signed.expires, now + LIFETIMES[known] / 2)
        )

    def _first(self, role: str) -> Root | Targets | Snapshot | Timestamp:
        """What names others names them in full from its first version on."""
        if role == TrustRole.SNAPSHOT:
            return Snapshot(meta=self.targets_infos)
        if role == TrustRole.TIMESTAMP:
            return Timestamp(snapshot_meta=self.snapshot_info)
        return Root() if role == TrustRole.ROOT else Targets()

    @property
    def targets_infos(self) -> dict[str, MetaFile]:
        return {"targets.json": self._info(TrustRole.TARGETS)}

    @property
    def snapshot_info(self) -> MetaFile:
        return self._info(TrustRole.SNAPSHOT)

    def _info(self, role: TrustRole) -> MetaFile:
        content = self._shelf.newest(role)
        assert content is not None, f"{role} is made before what names it"
        version = Metadata[Any].from_bytes(content).signed.version
        return MetaFile.from_data(version, content, ["sha256"])

    def _signers(self, role: TrustRole, md: Md) -> list[Signer]:
        """Those of the root in force; a new root is signed by those that it names as well."""
        named: list[str] = []
        if isinstance(md.signed, Root):
            named += md.signed.get_delegated_role("root").keyids
        if md.signed.version > 1 or role is not TrustRole.ROOT:
            named += self.root().get_delegated_role(role).keyids
        return [self._keys.signer(self._tenant_id, one) for one in dict.fromkeys(named)]

    def _due(self, role: TrustRole) -> bool:
        expires_at: datetime = self.open(role).signed.expires
        return self._now() >= expires_at - LIFETIMES[role] / 2
