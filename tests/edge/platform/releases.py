"""The platform's side of updates: a TUF repository of the platform's own code, the targets' bytes,
signed offers, and what the device reports of them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from application.ports.trusted_targets import Target, TrustRole
from edge.protocol.signed import OFFER, signed
from edge.protocol.updates import (
    Action,
    Offer,
    OfferedComponent,
    OfferedFile,
    Report,
    Reported,
    target_path,
)  # fmt: skip
from infrastructure.tuf.repositories import memory_repositories
from tests.patience import eventually

if TYPE_CHECKING:
    from tests.edge.platform.platform import TestPlatform


@dataclass(frozen=True)
class Release:
    """Components with their files; `golden` is a file of component ""."""

    components: Sequence[OfferedComponent]
    files: Sequence[OfferedFile]

    @property
    def id(self) -> str:
        return hashlib.sha256(repr((self.components, self.files)).encode()).hexdigest()


class Releases:
    """`current` is the offer that `update/next` is answered with."""

    def __init__(self, platform: "TestPlatform") -> None:
        self.platform = platform
        self.repositories = memory_repositories(lambda: datetime.fromtimestamp(platform.now(), UTC))
        self.contents: dict[str, bytes] = {}
        self.current: Offer | None = None
        self.key = platform.key
        self.counter = 0
        self.reports: list[tuple[UUID, Report]] = []
        self.asked: list[Mapping[str, Any]] = []

    @property
    def tenant(self) -> UUID:
        return self.platform.device.address.tenant

    def metadata(self, name: str) -> bytes | None:
        *version, role, _ = name.split(".")
        number = int(version[0]) if version else None
        return self.repositories.metadata(self.tenant, TrustRole(role), number)

    def file(self, component: str, path: str, content: bytes) -> OfferedFile:
        """Published."""
        sha256 = hashlib.sha256(content).hexdigest()
        self.contents[sha256] = content
        self.repositories.publish(self.tenant, [Target.of(sha256, len(content))])
        return OfferedFile(component, path, target_path(sha256), sha256, len(content))

    def model(self, content: bytes, golden: bytes | None = None) -> Release:
        files = [self.file("times", "model.onnx", content)]
        if golden is not None:
            files.append(self.file("", "golden.npz", golden))
        return Release([OfferedComponent("MODEL", "times", "ONNX")], files)

    def offer(
        self, release: Release | None, action: Action = Action.INSTALL, **other: Any
    ) -> Offer:
        """The next one, not sent yet."""
        self.counter += 1
        now = self.platform.now()
        made = Offer(
            self.platform.device.address, uuid4(), uuid4(), 1, self.counter, action,
            release.id if release else None,
            tuple(release.components) if release else (), tuple(release.files) if release else (),
            0.99, now, now + 3_600, probation_seconds=1.0,
        )  # fmt: skip
        return replace(made, **other)

    def send(self, offer: Offer | None, key: Any = None) -> None:
        self.current, self.key = offer, key or self.platform.key
        self.notify()

    def notify(self) -> None:
        """Signed at this moment."""
        offer, now = self.current, self.platform.now()
        statement = offer and replace(offer, issued_at=max(now, offer.issued_at)).statement()
        said = signed(OFFER, statement, self.key) if statement else None
        self.platform.mqtt.say(self.platform.device.address.notify, {"statement": said})

    def give(
        self, release: Release | None, action: Action = Action.INSTALL, **other: Any
    ) -> Report:
        """Offers it; the report on how it ended."""
        offer = self.offer(release, action, **other)
        self.send(offer)
        return self.ended(offer)

    def ended(self, offer: Offer, *states: Reported) -> Report:
        """Once it has, or is in one of these."""
        stages = list(Reported)
        ends = states or stages[stages.index(Reported.CONFIRMED) :]
        return eventually(
            lambda: next((one for one in reversed(self.of(offer)) if one.state in ends), None)
        )

    def of(self, offer: Offer) -> list[Report]:
        return [one for update, one in list(self.reports) if update == offer.update]

    def asked_for(self, body: Mapping[str, Any]) -> None:
        self.asked.append(body)
        self.notify()

    def reported(self, update: UUID, body: Mapping[str, Any]) -> None:
        report = Report.of(body)
        self.reports.append((update, report))
        stages = list(Reported)
        over = stages.index(report.state) >= stages.index(Reported.CONFIRMED)
        if over and self.current and report.counter == self.current.counter:
            self.current = None
