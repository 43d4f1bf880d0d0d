"""What a tenant has spent of one kind in one period, unit by unit.

The stream is saved in one transaction with the thing that spends the unit, so requests at the same
time conflict on its version and cannot overspend. A unit is named by its subject (the model or
job it was spent on): spending or returning it twice changes nothing.
"""

from dataclasses import field
from datetime import UTC, datetime
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, CreatedEvent
from domain.plan import Plan, QuotaKind
from domain.refusal import Refusal, RefusalCode

WHOLE_LIFE = "life"


def period_of(kind: QuotaKind, now: datetime) -> str:
    """`2026-11` for monthly kinds (UTC), `life` for things that count while they live."""
    return now.astimezone(UTC).strftime("%Y-%m") if kind.monthly else WHOLE_LIFE


def resets_at(period: str) -> datetime | None:
    """The first moment of the next month, UTC; None for a period that does not end."""
    if period == WHOLE_LIFE:
        return None
    year, month = (int(part) for part in period.split("-"))
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


class Quota(Aggregate):
    """The units spent of one kind in one period."""

    TOPIC = "quota"
    kind: QuotaKind = field(init=False)
    period: str = field(init=False)
    subjects: list[UUID] = field(init=False, default_factory=list)

    class Event(Aggregate.Event):
        pass

    class Opened(Event, CreatedEvent):
        TOPIC = "quota.opened"
        kind: QuotaKind
        period: str

        def apply(self, aggregate: "Quota") -> None:
            aggregate.kind = self.kind
            aggregate.period = self.period

    class Spent(Event):
        """`spent_by` is the reference of the event that spent it (`<stream>/<version>`)."""

        TOPIC = "quota.spent"
        kind: QuotaKind
        period: str
        subject: UUID
        spent_by: str

        def apply(self, aggregate: "Quota") -> None:
            aggregate.subjects.append(self.subject)

    class Returned(Event):
        TOPIC = "quota.returned"
        subject: UUID
        reason: str

        def apply(self, aggregate: "Quota") -> None:
            aggregate.subjects.remove(self.subject)

    @staticmethod
    def id_of(tenant_id: UUID, kind: QuotaKind, period: str) -> UUID:
        return uuid5(tenant_id, f"quota:{kind}:{period}")

    @classmethod
    def open(cls, tenant_id: UUID, kind: QuotaKind, period: str) -> "Quota":
        stream = cls.id_of(tenant_id, kind, period)
        return cls._create(cls.Opened, id=stream, request_hash="", kind=kind, period=period)

    def spend(self, subject: UUID, spent_by: str, plan: Plan, limit: int | None) -> None:
        """Spends one unit. Raises Refusal(QUOTA_EXCEEDED) with limit, use and reset."""
        if subject in self.subjects:
            return
        if limit is not None and len(self.subjects) >= limit:
            raise Refusal(RefusalCode.QUOTA_EXCEEDED, self._exceeded(plan, limit))
        self.trigger_event(
            Quota.Spent,
            kind=self.kind,
            period=self.period,
            subject=subject,
            spent_by=spent_by,
        )

    def give_back(self, subject: UUID, reason: str) -> None:
        """Returns the unit spent on `subject`, once."""
        if subject in self.subjects:
            self.trigger_event(Quota.Returned, subject=subject, reason=reason)

    def _exceeded(self, plan: Plan, limit: int) -> str:
        used = f"The plan {plan} allows {limit} {self.kind}; {len(self.subjects)} are used."
        reset = resets_at(self.period)
        if reset is None:
            return f"{used} Archive or delete one, or move to a larger plan."
        return f"{used} The count resets at {reset:%Y-%m-%d %H:%M} UTC; a larger plan allows more."
