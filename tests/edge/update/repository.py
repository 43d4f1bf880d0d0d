"""A tenant's repository made by the platform's own code, and a mirror that may be hostile."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from tuf.api.metadata import Metadata, MetaFile

from application.ports.trusted_targets import Target, TrustRole
from edge.protocol.updates import Problem
from edge.update.trust import NotServed, TargetFacts, Trust, Untrusted
from infrastructure.tuf.keys import KeyStore, MemoryKeys
from infrastructure.tuf.repositories import Repositories
from infrastructure.tuf.shelves import MemoryShelves

YEAR = timedelta(days=365)
MODEL = Target.of(hashlib.sha256(b"model").hexdigest(), 5)
FACTS = TargetFacts(MODEL.sha256, MODEL.bytes)


@dataclass
class Signing:
    """The platform's side. `now` is its clock, which the test moves."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    tenant: UUID = field(default_factory=uuid4)
    keys: KeyStore = field(default_factory=MemoryKeys)

    def __post_init__(self) -> None:
        self.repositories = Repositories(MemoryShelves(), self.keys, lambda: self.now)

    @property
    def root(self) -> bytes:
        return self.repositories.root(self.tenant)

    def publish(self, *targets: Target) -> None:
        self.repositories.publish(self.tenant, targets or (MODEL,))

    def publish_more(self) -> None:
        """Something new."""
        self.publish(Target.of(hashlib.sha256(uuid4().bytes).hexdigest(), 1))

    def rotate(self, root: bool) -> None:
        self.repositories.rotate(self.tenant, root)

    def file(self, name: str) -> bytes:
        """As `GET /devices/tuf/{name}` answers. Raises NotServed."""
        *version, role, _ = name.split(".")
        found = self.repositories.metadata(
            self.tenant, TrustRole(role), int(version[0]) if version else None
        )
        if found is None:
            raise NotServed(name)
        return found

    def newest(self, role: str) -> int:
        """The version of this role's newest metadata."""
        found: int = (
            Metadata[Any]
            .from_bytes(self.repositories.metadata(self.tenant, TrustRole(role), None) or b"")
            .signed.version
        )
        return found

    def signed_anew(self, role: str, change: Callable[[Any], None]) -> bytes:
        """The newest metadata of this role, changed, and signed by who may: what somebody makes
        who has got hold of that key."""
        made = Metadata[Any].from_bytes(
            self.repositories.metadata(self.tenant, TrustRole(role), None) or b""
        )
        change(made.signed)
        root = Metadata[Any].from_bytes(self.root).signed
        made.signatures.clear()
        for key_id in root.roles[role].keyids:
            made.sign(self.keys.signer(self.tenant, key_id), append=True)
        return made.to_bytes()


@dataclass
class Mirror:
    """Serves what the platform has signed, but `instead` by name. None hides a file; a function
    is asked for as many bytes as the device would take."""

    signing: Signing
    instead: dict[str, bytes | Callable[[int], bytes] | None] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    away: bool = False

    def fetch(self, name: str, most: int) -> bytes:
        self.asked.append(name)
        if self.away:
            raise ConnectionError("no route to host")
        if name not in self.instead:
            return self.signing.file(name)[: most + 1]
        given = self.instead[name]
        if given is None:
            raise NotServed(name)
        return given[: most + 1] if isinstance(given, bytes) else given(most + 1)

    def name(self, role: str, forged: bytes) -> None:
        """Makes everything above it name this metadata, signed by who may."""
        made = MetaFile.from_data(_version(forged), forged, ["sha256"])
        if role == "targets":
            forged = self.signing.signed_anew("snapshot", lambda signed: _put(signed, made))
            self.instead[f"{_version(forged)}.snapshot.json"] = forged
            self.name("snapshot", forged)
        else:
            anew = self.signing.signed_anew("timestamp", lambda signed: _put(signed, made))
            self.instead["timestamp.json"] = anew

    def freeze(self) -> None:
        """Goes on serving what is there now."""
        self.instead["timestamp.json"] = self.signing.file("timestamp.json")


@dataclass
class Device:
    """The device's side: its folder stays, and each `trust` is one run of its agent."""

    folder: Path
    mirror: Mirror
    behind: timedelta = timedelta()

    def now(self) -> float:
        return (self.mirror.signing.now - self.behind).timestamp()

    @property
    def trust(self) -> Trust:
        return Trust(self.folder, self.mirror.fetch, self.now)


def problem(device: Device) -> Problem:
    """Why a refresh is refused."""
    with pytest.raises(Untrusted) as refused:
        device.trust.refresh()
    assert refused.value.why
    return refused.value.problem


def believed(device: Device) -> TargetFacts | Problem:
    try:
        return device.trust.facts(MODEL.path)
    except Untrusted as refused:
        return refused.problem


def flipped(content: bytes, place: int) -> bytes:
    """One bit of it is another."""
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def _version(content: bytes) -> int:
    found: int = Metadata[Any].from_bytes(content).signed.version
    return found


def _put(signed: Any, made: MetaFile) -> None:
    """Into a snapshot or a timestamp, as its next version."""
    signed.version += 1
    if signed.type == "snapshot":
        signed.meta["targets.json"] = made
    else:
        signed.snapshot_meta = made
