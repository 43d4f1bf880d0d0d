"""A claim: the right to join one device to a tenant, once, for some time.

Its code is shown when it is issued; only the sha256 of it is kept.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, CreatedEvent
from domain.refusal import Refusal, RefusalCode

LIFETIME = timedelta(days=1)
LONGEST = timedelta(days=365)
MOST_AT_ONCE = 1_000


class DeviceClaim(Aggregate):
    """Open until it is used, withdrawn or too old."""

    TOPIC = "device-claim"
    sha256: str = field(init=False)
    expires_at: datetime = field(init=False)
    labels: dict[str, str] = field(init=False)
    group: str | None = field(init=False)
    profile_id: UUID | None = field(init=False)
    used_by: str | None = field(init=False, default=None)
    withdrawn: bool = field(init=False, default=False)

    class Event(Aggregate.Event):
        pass

    class Issued(Event, CreatedEvent):
        TOPIC = "device-claim.issued"
        sha256: str
        expires_at: datetime
        labels: dict[str, str]
        group: str | None
        profile_id: UUID | None

        def apply(self, aggregate: "DeviceClaim") -> None:
            aggregate.sha256 = self.sha256
            aggregate.expires_at = self.expires_at
            aggregate.labels = self.labels
            aggregate.group = self.group
            aggregate.profile_id = self.profile_id

    class Used(Event):
        TOPIC = "device-claim.used"
        device_id: UUID
        key_id: str

        def apply(self, aggregate: "DeviceClaim") -> None:
            aggregate.used_by = self.key_id

    class Withdrawn(Event):
        TOPIC = "device-claim.withdrawn"

        def apply(self, aggregate: "DeviceClaim") -> None:
            aggregate.withdrawn = True

    @classmethod
    def issue(
        cls,
        claim_id: UUID,
        sha256: str,
        expires_at: datetime,
        labels: Mapping[str, str],
        group: str | None,
        profile_id: UUID | None,
        request_hash: str,
    ) -> "DeviceClaim":
        return cls._create(
            cls.Issued,
            id=claim_id,
            request_hash=request_hash,
            sha256=sha256,
            expires_at=expires_at,
            labels=dict(labels),
            group=group,
            profile_id=profile_id,
        )

    @staticmethod
    def device_of(claim_id: UUID) -> UUID:
        """The device that this claim makes."""
        return uuid5(claim_id, "device")

    @property
    def device_id(self) -> UUID:
        return self.device_of(self.id)

    def use(self, key_id: str, now: datetime) -> None:
        """For one key; the same key again changes nothing, so that a join whose answer was lost can
        be repeated. Raises Refusal(INVALID_STATE)."""
        if self.used_by == key_id and not self.withdrawn:
            return
        if self.used_by is not None or self.withdrawn or now >= self.expires_at:
            raise no_open_claim()
        self.trigger_event(DeviceClaim.Used, device_id=self.device_id, key_id=key_id)

    def withdraw(self) -> None:
        """Raises Refusal(INVALID_STATE) for one that a device has used."""
        if self.used_by is not None:
            raise Refusal(
                RefusalCode.INVALID_STATE,
                "A device has used this claim already. Decommission the device instead.",
                "id",
            )
        if not self.withdrawn:
            self.trigger_event(DeviceClaim.Withdrawn)


def no_open_claim() -> Refusal:
    """One answer for a code that never was, was used, was withdrawn or is too old."""
    return Refusal(
        RefusalCode.INVALID_STATE,
        "This claim code is not open: it is mistyped, was used, withdrawn, or is too old. "
        "Make a new one with `edgewise device claim`.",
        "code",
    )
